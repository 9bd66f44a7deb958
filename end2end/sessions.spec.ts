// B5: who is connected, who waits for whom, and ending one session, by the page alone.
import type { Page } from "@playwright/test";

import { Session, sql } from "./support/estate";
import { eventually, expect, test } from "./support/test";

const SESSIONS = "/admin/targets/findawise/sessions";

/** A session of the application that a test can find by its name. */
async function open(name: string, text: string): Promise<Session> {
  return Session.open(`SET application_name = '${name}'; ${text};`, "findawise_app");
}

const pidOf = (name: string) => sql(`SELECT pid FROM pg_stat_activity WHERE application_name = '${name}'`);
const row = (page: Page, name: string) => page.locator("table.sessions tbody tr").filter({ hasText: name });
const chosen = (page: Page) => page.locator("#chosen");

async function choose(page: Page, name: string): Promise<void> {
  await eventually(page, () => expect(row(page, name).first()).toBeVisible({ timeout: 1000 }));
  await page.goto((await row(page, name).first().getByRole("link").getAttribute("href")) ?? "");
  await expect(chosen(page)).toContainText(name);
}

test("the sessions are those that the server has, and a choice lists its kind", async ({ page }) => {
  const session = await open("e2e idle one", "SELECT 'who reads this'");
  try {
    await page.goto(SESSIONS);
    await eventually(page, () => expect(row(page, "e2e idle one")).toHaveCount(1, { timeout: 1000 }));
    await expect(row(page, "e2e idle one")).toContainText("findawise_app@findawise");
    await expect(row(page, "e2e idle one")).toContainText("SELECT 'who reads this'");
    await page.getByRole("navigation", { name: "Which sessions" }).getByRole("link", { name: /^Idle\s*\d+$/ }).click();
    await expect(page).toHaveURL(/show=idle$/);
    await expect(row(page, "e2e idle one")).toHaveCount(1);
    await page.goto(`${SESSIONS}?show=active`);
    await expect(row(page, "e2e idle one")).toHaveCount(0);
    await page.goto(`${SESSIONS}?show=everything`);
    await expect(row(page, "checkpointer")).toHaveCount(1);
  } finally {
    await session.end();
  }
});

test("a statement is cancelled, and its session goes on", async ({ page }) => {
  const session = await open("e2e slow one", "SELECT 1");
  try {
    session.begin("SELECT pg_sleep(600); SELECT 'it went on';");
    await page.goto(`${SESSIONS}?show=active`);
    await choose(page, "e2e slow one");
    await expect(chosen(page)).toContainText("SELECT pg_sleep(600)");
    await page.getByRole("button", { name: "Cancel its statement" }).click();
    await expect(page.getByText(/^The statement of process \d+ is cancelled: findawise_app@findawise \(e2e slow one\)\.$/)).toBeVisible();
    expect(sql("SELECT count(*) FROM pg_stat_activity WHERE query = 'SELECT pg_sleep(600);'")).toBe("0");
  } finally {
    await session.end();
  }
});

test.describe("ending a session", () => {
  test.use({ refusals: true });

  test("needs its process typed; what was typed wrong stays, and the waiting one goes on", async ({ page }) => {
    const row = "UPDATE core.feature_flags SET id = id WHERE id = (SELECT max(id) FROM core.feature_flags);";
    const root = await open("e2e root", `BEGIN; ${row}`);
    const waiter = await open("e2e waiter", "SELECT 1");
    try {
      waiter.begin(row);
      const pid = pidOf("e2e root");
      const tree = page.locator("table.lock-tree");
      await page.goto(SESSIONS);
      await eventually(page, () => expect(tree.locator("tr").filter({ hasText: `waits for ${pid}` })).toHaveCount(1, { timeout: 1000 }));
      await tree.getByRole("link", { name: pid, exact: true }).click();
      await expect(chosen(page)).toContainText("idle in transaction");
      await expect(chosen(page)).toContainText(`Keeps waiting`);
      await page.locator("#end > summary").click();
      await page.getByLabel("Process to end").fill("1");
      await page.getByRole("button", { name: "End the session" }).click();
      await expect(page.getByText(`To end this session, type its process number, ${pid}.`)).toBeVisible();
      await expect(page.getByLabel("Process to end")).toHaveValue("1");
      expect(pidOf("e2e root")).toBe(pid);
      await page.getByLabel("Process to end").fill(pid);
      await page.getByRole("button", { name: "End the session" }).click();
      await expect(page.getByText(`The session of process ${pid} is ended: findawise_app@findawise (e2e root).`)).toBeVisible();
      await expect(chosen(page)).toContainText("This session has ended");
      await eventually(page, () => expect(tree).toHaveCount(0, { timeout: 1000 }));
      expect(pidOf("e2e root")).toBe("");
      // Who did it to whom is in the trail.
      await page.goto("/admin/audit");
      await eventually(page, () => expect(page.getByText(`findawise/${pid}`).first()).toBeVisible({ timeout: 1000 }));
    } finally {
      await root.end();
      await waiter.end();
    }
  });
});

test("the list moves by itself, and the session looked at closely stands still @script", async ({ page }) => {
  await page.goto(SESSIONS);
  await expect(page.locator(".live")).toContainText("Live");
  const session = await open("e2e late one", "SELECT 1");
  try {
    await expect(row(page, "e2e late one")).toHaveCount(1, { timeout: 10_000 });
  } finally {
    await session.end();
  }
  await expect(row(page, "e2e late one")).toHaveCount(0, { timeout: 10_000 });
});

test("a superuser's session is shown and can't be ended from here", async ({ page }) => {
  const session = await Session.open("SET application_name = 'e2e superuser'; SELECT 1;");
  try {
    await page.goto(SESSIONS);
    await choose(page, "e2e superuser");
    await expect(chosen(page)).toContainText("Its role is a superuser");
    await expect(chosen(page).getByRole("button", { name: /Cancel|End/ })).toHaveCount(0);
  } finally {
    await session.end();
  }
});
