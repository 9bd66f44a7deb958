// C1: every table of every schema.
import type { Locator, Page } from "@playwright/test";

import { expect, test } from "./support/test";

const TABLES = "/admin/targets/findawise/tables";
/** Tables by schema, as the sample estate has them (I1). */
const SCHEMAS = { ai_ml: 64, core: 50, education: 25, finance: 35, health: 30, saas: 25, security: 30, travel: 40 };

const rows = (page: Page): Locator => page.locator("table.tables a[data-row]");
const pager = (page: Page): Locator => page.getByRole("navigation", { name: "Rows" });

test.beforeEach(async ({ page }) => {
  await page.goto(TABLES);
});

test("all 299 are there, page by page", async ({ page }) => {
  await expect(page.getByText("299 tables", { exact: true })).toBeVisible();
  await expect(rows(page)).toHaveCount(50);
  await expect(pager(page)).toContainText("1 to 50 of 299");
  await pager(page).getByRole("link", { name: "Next" }).click();
  await expect(pager(page)).toContainText("51 to 100 of 299");
  await pager(page).getByRole("link", { name: "Previous" }).click();
  await expect(pager(page)).toContainText("1 to 50 of 299");
});

test("all 299 fit on one page", async ({ page }) => {
  await page.goto(`${TABLES}?limit=500`);
  await expect(rows(page)).toHaveCount(299);
  const names = await rows(page).allInnerTexts();
  expect(new Set(names).size).toBe(299);
});

test("a column's header orders by it, and once more turns the order round", async ({ page }) => {
  const header = (name: string | RegExp) => page.getByRole("columnheader", { name });
  await header(/^Table/).getByRole("link").click();
  await expect(header(/^Table/)).toHaveAttribute("aria-sort", "ascending");
  const first = ((await rows(page).first().textContent()) ?? "").trim();
  await header(/^Table/).getByRole("link").click();
  await expect(header(/^Table/)).toHaveAttribute("aria-sort", "descending");
  await expect(rows(page).first()).not.toHaveText(first);
  await header(/^Rows/).getByRole("link").click();
  await expect(header(/^Rows/)).toHaveAttribute("aria-sort", "descending");
  await expect(header(/^Table/)).not.toHaveAttribute("aria-sort", /./);
});

test("a schema is chosen, then a part of a name, and the address keeps both", async ({ page }) => {
  for (const [schema, count] of Object.entries(SCHEMAS)) {
    await expect(page.getByRole("navigation", { name: "Schemas" }).getByRole("link", { name: new RegExp(`^(findawise\\.)?${schema}\\s*${count}$`) })).toBeVisible();
  }
  await page.getByLabel("Schema", { exact: true }).selectOption("finance");
  await page.getByRole("button", { name: "Apply" }).click();
  await expect(page.getByText("35 of 299 tables", { exact: true })).toBeVisible();
  const shown = ((await rows(page).first().textContent()) ?? "").trim();
  await page.getByLabel("Part of schema.table").fill(shown.replace(/^findawise\./, ""));
  await page.getByRole("button", { name: "Apply" }).click();
  await expect(rows(page).first()).toHaveText(shown);
  await page.reload();
  await expect(rows(page).first()).toHaveText(shown);
  await expect(page.getByLabel("Schema", { exact: true })).toHaveValue("finance");
});

test("tables stand together by schema with their sums", async ({ page }) => {
  await page.goto(`${TABLES}?group=schema&limit=500`);
  await expect(page.getByLabel("Group by schema")).toBeChecked();
  for (const [schema, count] of Object.entries(SCHEMAS)) {
    await expect(page.locator("tr.group").filter({ hasText: new RegExp(`^(findawise\\.)?${schema}\\s*${count} tables`) })).toHaveCount(1);
  }
});

test("filters that let nothing through say so and can be taken off", async ({ page }) => {
  await page.getByLabel("Part of schema.table").fill("no-such-table");
  await page.getByRole("button", { name: "Apply" }).click();
  await expect(page.getByText("No table matches")).toBeVisible();
  await page.getByRole("link", { name: "Show all" }).click();
  await expect(page.getByText("299 tables", { exact: true })).toBeVisible();
});

test("each planted kind of index fault can be listed", async ({ page }) => {
  const kinds = await page.getByLabel("Fault").locator("option").all();
  expect(kinds.length).toBeGreaterThan(4);
  for (const fault of ["duplicate", "invalid"]) {
    await page.goto(`${TABLES}?fault=${fault}`);
    await expect(rows(page).first()).toBeVisible();
  }
});
