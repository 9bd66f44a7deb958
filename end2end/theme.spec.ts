// Both themes, chosen by the system or by hand, without a flash.
import { expect, openMenu, test } from "./support/test";

test("a chosen theme is kept and is there from the first byte", async ({ page }) => {
  await page.goto("/admin/db-health");
  for (const theme of ["dark", "light"] as const) {
    await openMenu(page);
    await page.getByRole("button", { name: new RegExp(`^${theme}$`, "i") }).filter({ visible: true }).click();
    await expect(page).toHaveURL("/admin/db-health");
    await expect(page.locator("html")).toHaveAttribute("data-theme", theme);
    const sent = await page.request.get("/admin/targets/findawise/tables");
    expect(await sent.text()).toContain(`data-theme="${theme}"`);
  }
});

test("the two themes differ where they should @script @once", async ({ page }) => {
  await page.goto("/admin/db-health");
  const colours: string[] = [];
  for (const colorScheme of ["light", "dark"] as const) {
    await page.emulateMedia({ colorScheme });
    colours.push(await page.evaluate(() => getComputedStyle(document.documentElement).backgroundColor));
  }
  expect(colours[0]).not.toBe(colours[1]);
});
