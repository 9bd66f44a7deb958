// All that a pointer reaches, the keyboard reaches, and faster.
import { expect, test } from "./support/test";

test("ctrl-K opens the list of pages, letters narrow it, Enter goes there @script @once", async ({ page }) => {
  await page.goto("/admin/db-health");
  const palette = page.getByRole("dialog", { name: "Go to" });
  await expect(async () => {
    await page.keyboard.press("Control+k");
    await expect(palette).toBeVisible({ timeout: 500 });
  }).toPass();
  await page.keyboard.type("invalid");
  await expect(palette.getByRole("link").filter({ visible: true })).toHaveCount(1);
  await page.keyboard.press("Enter");
  await expect(page).toHaveURL("/admin/targets/findawise/tables?fault=invalid");
});

test("slash opens the list of pages where there is nothing to search, and what matches no page says so @script @once", async ({ page }) => {
  await page.goto("/admin/db-health");
  await expect(page.locator("[role=status].live")).toHaveText("Live");
  const palette = page.getByRole("dialog", { name: "Go to" });
  const none = palette.getByText("No page matches.");
  await page.keyboard.press("/");
  await expect(palette).toBeVisible();
  await expect(palette.getByRole("textbox"), "the slash itself is not typed").toHaveValue("");
  await expect(none).toBeHidden();
  await page.keyboard.type("no such page");
  await expect(none).toBeVisible();
  await expect(palette.getByRole("link").filter({ visible: true })).toHaveCount(0);
  await page.keyboard.press("Escape");
  await page.keyboard.press("/");
  await expect(none).toBeHidden();
});

test("slash goes to the search, j and k through the rows @script @once", async ({ page }) => {
  await page.goto("/admin/targets/findawise/tables");
  await expect(page.locator("[role=status].live")).toHaveText("Live");
  await page.keyboard.press("/");
  await expect(page.getByLabel("Part of schema.table")).toBeFocused();
  await page.keyboard.press("Tab");
  await page.evaluate(() => (document.activeElement as HTMLElement | null)?.blur());
  const rows = page.locator("table.tables a[data-row]");
  await page.keyboard.press("j");
  await expect(rows.nth(0)).toBeFocused();
  await page.keyboard.press("j");
  await expect(rows.nth(1)).toBeFocused();
  await page.keyboard.press("k");
  await expect(rows.nth(0)).toBeFocused();
});

test("the first stop of the Tab key skips to the content @script @once", async ({ page }) => {
  await page.goto("/admin/db-health");
  await page.keyboard.press("Tab");
  await expect(page.getByRole("link", { name: "Skip to the content" })).toBeFocused();
  await page.keyboard.press("Enter");
  await expect(page.getByRole("main")).toBeFocused();
});
