import { defineConfig } from "@playwright/test";

import { chromium } from "./support/chromium";

const DESKTOP = { width: 1440, height: 900 };
// What has a project of its own.
const APART = /(faults|gallery)\.spec/;
const PHONE = { width: 390, height: 844 };

// A title that holds `@script` needs JavaScript in the browser; `@once` says that another width would prove nothing more.
export default defineConfig({
  testDir: ".",
  // Two runs beside each other want a folder each.
  outputDir: process.env.REEVE_BROWSER_OUTPUT ?? "test-results",
  globalSetup: "./support/global-setup.ts",
  globalTimeout: 35 * 60_000,
  timeout: 60_000,
  expect: {
    timeout: 10_000,
    // Half a percent of the dots may differ: how letters are smoothed differs between releases of a browser, what is moved or missing is more.
    toHaveScreenshot: { stylePath: "./gallery.css", scale: "device", maxDiffPixelRatio: 0.005, animations: "disabled" },
  },
  snapshotPathTemplate: "gallery/{arg}{ext}",
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
    { name: "desktop", testIgnore: APART, use: { viewport: DESKTOP } },
    { name: "phone", testIgnore: APART, grepInvert: /@once/, use: { viewport: PHONE } },
    { name: "desktop without script", testIgnore: APART, grepInvert: /@once|@script/, use: { viewport: DESKTOP, javaScriptEnabled: false } },
    { name: "phone without script", testIgnore: APART, grepInvert: /@once|@script/, use: { viewport: PHONE, javaScriptEnabled: false } },
    { name: "gallery", testMatch: /gallery\.spec/ },
    // Last, because they disturb the estate that the others look at.
    { name: "faults", testMatch: /\/faults\.spec/, use: { viewport: DESKTOP } },
    // Nearly all of it is waiting: `make test` runs it beside the others, with an estate of its own.
    { name: "late", testMatch: /late-faults\.spec/, use: { viewport: DESKTOP } },
  ],
});
