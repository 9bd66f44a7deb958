// The browser: Debian's Chromium, never one that Playwright would download.
import type { LaunchOptions } from "@playwright/test";

export const chromium: LaunchOptions = {
  executablePath: process.env.REEVE_CHROMIUM ?? "/usr/bin/chromium",
  args: [
    // Root, which CI often is, can't use Chromium's sandbox; the pages are our own.
    "--no-sandbox",
    "--disable-gpu",
    // Nothing but the pages under test: no look-ups of its own.
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-quic",
    "--disable-sync",
    "--no-first-run",
  ],
};
