// A6: a target is tested, added, changed and removed by the page alone.
import type { Page } from "@playwright/test";

import { address } from "./support/estate";
import { eventually, expect, openMenu, test } from "./support/test";

const REGISTRY = "/admin/registry";
const NAME = "e2e-added";

const row = (page: Page) => page.getByRole("row").filter({ hasText: NAME });
const candidate = (page: Page) => page.locator("#candidate");

async function fill(page: Page, name: string, url: string): Promise<void> {
  await page.getByLabel("Name", { exact: true }).fill(name);
  await page.getByLabel("Environment").selectOption("dev");
  await page.getByLabel("Owner").fill("Ada's <team>");
  await page.getByLabel("Tags").fill("eu, shop");
  await page.getByLabel("Address").fill(url);
  await page.getByRole("button", { name: "Test it" }).click();
}

async function remove(page: Page): Promise<void> {
  await page.goto(REGISTRY);
  await page.getByRole("link", { name: `Change or remove ${NAME}` }).click();
  await page.getByLabel("Name of the target").fill("another");
  await page.getByRole("button", { name: "Remove", exact: true }).click();
  await expect(page.getByText(`To remove this target, type its name, ${NAME}.`)).toBeVisible();
  await expect(page.getByLabel("Name of the target")).toHaveValue("another");
  await page.getByLabel("Name of the target").fill(NAME);
  await page.getByRole("button", { name: "Remove", exact: true }).click();
  await expect(page.getByText(`${NAME} is removed`)).toBeVisible();
}

test.describe("the registry", () => {
  test.use({ refusals: true });

  test("adds what was tested, changes it, and removes it by its name", async ({ page }) => {
    await page.goto("/admin/db-health");
    await openMenu(page);
    await page.getByRole("link", { name: "Targets", exact: true }).click();
    await expect(page.getByRole("heading", { level: 1, name: "Targets" })).toBeVisible();

    await fill(page, "Not A Name", "postgres://nobody@127.0.0.1:1/x");
    await expect(page.getByLabel("Name", { exact: true })).toHaveValue("Not A Name");
    await expect(page.getByLabel("Owner")).toHaveValue("Ada's <team>");
    await expect(page.getByLabel("Address")).toHaveValue("");

    await fill(page, NAME, "postgres://nobody@127.0.0.1:1/x");
    await expect(candidate(page)).toContainText("It can't be watched");
    await expect(candidate(page).getByRole("button", { name: "Add it all the same" })).toBeVisible();
    await page.getByRole("button", { name: "Discard it" }).click();

    await fill(page, NAME, address());
    await expect(candidate(page)).toContainText("findawise_app");
    await expect(candidate(page)).toContainText("missing, and what that keeps away");
    await expect(candidate(page)).toContainText("GRANT pg_monitor TO");
    await page.getByRole("button", { name: "Add it", exact: true }).click();
    await expect(page.getByText(`${NAME} is registered`)).toBeVisible();
    try {
      await expect(row(page)).toContainText("Ada's <team>");
      await page.goto("/admin/db-health");
      await eventually(page, () => expect(page.getByRole("link", { name: NAME }).first()).toBeVisible({ timeout: 1000 }), 20_000);
      await page.goto(REGISTRY);
      await page.getByRole("link", { name: `Change or remove ${NAME}` }).click();
      await expect(page.getByLabel("Tags")).toHaveValue("eu, shop");
      await page.getByLabel("Tags").fill("eu");
      await page.getByRole("button", { name: "Test it" }).click();
      await page.getByRole("button", { name: "Change it", exact: true }).click();
      await expect(page.getByText(`${NAME} is changed`)).toBeVisible();
      await expect(row(page)).not.toContainText("shop");
    } finally {
      await remove(page);
    }
    await expect(row(page)).toHaveCount(0);
  });
});
