// C1: one table.
import { expect, test } from "./support/test";

/** `schema.table`; a list over several databases names the database first. */
const shortName = (shown: string) => shown.trim().replace(/^findawise\./, "");

test("a table's page has its figures, trend, indexes, columns and keys", async ({ page }) => {
  await page.goto("/admin/targets/findawise/tables?schema=core&sort=size");
  const link = page.locator("table.tables a[data-row]").first();
  const name = shortName((await link.textContent()) ?? "");
  await link.click();
  const main = page.getByRole("main");
  await expect(main.getByRole("heading", { level: 1 })).toHaveText(name);
  for (const section of ["Figures", "Trend", "Indexes", "Columns", "Foreign keys"]) {
    await expect(main.getByRole("heading", { name: section, exact: true })).toBeVisible();
  }
  await expect(main.locator("#columns tbody tr")).not.toHaveCount(0);
});

test("a foreign key leads to the other table", async ({ page }) => {
  await page.goto("/admin/targets/findawise/tables?schema=core&sort=size");
  await page.locator("table.tables a[data-row]").first().click();
  const other = page.locator("#keys tbody a").first();
  const name = shortName((await other.textContent()) ?? "");
  await other.click();
  await expect(page.getByRole("main").getByRole("heading", { level: 1 })).toHaveText(name);
});

test.describe("missing", () => {
  test.use({ refusals: true });

  test("a table that is not there is not found, whatever its name", async ({ page }) => {
    for (const name of ["nothing", '"><script>alert(1)</script>', "..", "a'b\nc"]) {
      const answer = await page.goto(`/admin/targets/findawise/tables/findawise/core/${encodeURIComponent(name).replaceAll(".", "%2E")}`);
      expect([400, 404], name).toContain(answer?.status());
    }
  });
});
