import { resolve } from "node:path";

import { PAGES, test } from "./support/test";

const SIZES = { 1440: 900, 390: 844 };
// npm starts scripts in this folder and says in INIT_CWD where it was called.
const folder = resolve(process.env.INIT_CWD ?? ".", process.env.REEVE_SCREENSHOTS ?? "screenshots");

for (const [width, height] of Object.entries(SIZES)) {
  for (const colorScheme of ["light", "dark"] as const) {
    test.describe(`${width} ${colorScheme}`, () => {
      test.use({ viewport: { width: Number(width), height }, colorScheme });

      for (const [name, path] of Object.entries(PAGES)) {
        test(name, async ({ page }) => {
          await page.goto(path);
          await page.evaluate(() => document.fonts.ready);
          await page.screenshot({ path: resolve(folder, `${name.replaceAll(" ", "-")}-${width}-${colorScheme}.png`), fullPage: true });
        });
      }

      test.describe("signed out", () => {
        test.use({ signedIn: false });

        test("sign-in", async ({ page }) => {
          await page.goto("/sign-in");
          await page.screenshot({ path: resolve(folder, `sign-in-${width}-${colorScheme}.png`) });
        });
      });
    });
  }
}
