// B1, B2: all of one target.
import { expect, test } from "./support/test";

const SECTIONS = ["Figures", "The last hour", "Databases", "Statements", "Locks", "Replication", "Sequences", "Settings"];

test.beforeEach(async ({ page }) => {
  await page.goto("/admin/targets/findawise");
});

test("the verdict comes first, then every reading has its section", async ({ page }) => {
  const main = page.getByRole("main");
  await expect(main.getByRole("heading", { level: 1 })).toHaveText("findawise");
  for (const section of SECTIONS) {
    await expect(main.getByRole("heading", { name: section, exact: true }).first()).toBeVisible();
  }
});

test("the sample estate is read without a gap", async ({ page }) => {
  await expect(page.getByRole("main")).not.toContainText("Could not be read");
  await expect(page.getByRole("main")).not.toContainText("Not read yet");
});

test("a name that nobody registered is not found", { tag: "@once" }, async ({ page }) => {
  const answer = await page.request.get("/admin/targets/nowhere");
  expect(answer.status()).toBe(404);
});
