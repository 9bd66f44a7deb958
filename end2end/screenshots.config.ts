// `npm run screenshots -- FOLDER`: every page, wide and narrow, light and dark.
import { defineConfig } from "@playwright/test";

import { chromium } from "./support/chromium";

export default defineConfig({
  testDir: ".",
  testMatch: "screenshots.ts",
  outputDir: "test-results",
  globalSetup: "./support/global-setup.ts",
  timeout: 60_000,
  workers: 1,
  reporter: "list",
  use: { browserName: "chromium", launchOptions: chromium, locale: "en-GB", timezoneId: "UTC" },
});
