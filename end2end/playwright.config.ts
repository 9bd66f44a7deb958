import { defineConfig } from "@playwright/test";

import { chromium } from "./support/chromium";

const DESKTOP = { width: 1440, height: 900 };
const PHONE = { width: 390, height: 844 };

// A title that holds `@script` needs JavaScript in the browser; `@once` says that another width would prove nothing more.
export default defineConfig({
  testDir: ".",
  outputDir: "test-results",
  globalSetup: "./support/global-setup.ts",
  globalTimeout: 35 * 60_000,
  timeout: 60_000,
  expect: { timeout: 10_000 },
  // One Reeve serves all; on two cores a second browser would only take its time away.
  workers: 1,
  retries: 0,
  forbidOnly: true,
  reporter: [["list"], ["json", { outputFile: process.env.REEVE_BROWSER_REPORT ?? "test-results/report.json" }]],
  use: {
    browserName: "chromium",
    launchOptions: chromium,
    locale: "en-GB",
    timezoneId: "UTC",
    trace: "retain-on-failure",
    screenshot: "only-on-failure",
  },
  projects: [
    { name: "desktop", testIgnore: /faults\.spec/, use: { viewport: DESKTOP } },
    { name: "phone", testIgnore: /faults\.spec/, grepInvert: /@once/, use: { viewport: PHONE } },
    { name: "desktop without script", testIgnore: /faults\.spec/, grepInvert: /@once|@script/, use: { viewport: DESKTOP, javaScriptEnabled: false } },
    { name: "phone without script", testIgnore: /faults\.spec/, grepInvert: /@once|@script/, use: { viewport: PHONE, javaScriptEnabled: false } },
    // Last, because they disturb the estate that the others look at.
    { name: "faults", testMatch: /faults\.spec/, use: { viewport: DESKTOP } },
  ],
});
