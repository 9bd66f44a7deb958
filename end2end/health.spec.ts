// B1, B2, A5: the control room.
import { expect, test } from "./support/test";

test.beforeEach(async ({ page }) => {
  await page.goto("/admin/db-health");
});

test("the first thing on the page is whether something is wrong", async ({ page }) => {
  const heading = page.getByRole("main").getByRole("heading", { level: 1 });
  await expect(heading).toHaveText(/\.$/);
  const band = page.getByRole("region").filter({ has: page.getByRole("heading", { level: 1 }) });
  await expect(band).toContainText(/healthy|degraded|critical/);
  await expect(band).toContainText(/\d+(\.\d+)?\s*% measured/);
});

test("each target has a verdict, its reasons and the age of its newest round", async ({ page }) => {
  const targets = page.getByRole("region", { name: "Targets" });
  await expect(targets.getByRole("link", { name: "findawise" })).toBeVisible();
  await expect(targets).toContainText(/healthy|degraded|critical/);
  await expect(targets).toContainText("newest round");
  await targets.getByRole("link", { name: "findawise" }).click();
  await expect(page).toHaveURL("/admin/targets/findawise");
});

test("Reeve's own five roles and their pools are shown", async ({ page }) => {
  const pools = page.getByRole("region", { name: "Reeve's own pools" });
  for (const role of ["main", "analytics", "documents", "compliance", "readReplica"]) {
    await expect(pools.getByRole("rowheader", { name: role, exact: true })).toBeVisible();
  }
});

test("table analytics lead to the whole list", async ({ page }) => {
  const analytics = page.getByRole("region", { name: "Table analytics" });
  for (const title of ["Largest", /^Fastest growing/, "Index and key faults"]) {
    await expect(analytics.getByRole("heading", { name: title })).toBeVisible();
  }
  await analytics.getByRole("link", { name: /^All \d+ tables$/ }).click();
  await expect(page).toHaveURL("/admin/targets/findawise/tables");
});

test("what is planted in the sample estate is found", async ({ page }) => {
  const list = page.locator("section.short").filter({ has: page.getByRole("heading", { name: "Index and key faults" }) });
  // The first link is the title's own.
  await expect(list.getByRole("link").nth(1)).toBeVisible();
});
