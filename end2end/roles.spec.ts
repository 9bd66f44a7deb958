// G2: each of the four roles in a browser: what the menus show, what the pages answer, and nothing else.
import { asAdmin, person } from "./support/people";
import { expect, openMenu, test } from "./support/test";

test.use({ signedIn: false });

const ROLES = {
  admin: { menu: ["Compliance", "Backups", "Accounts", "Audit trail", "Access"], forms: true, exports: false, backs: true },
  operator: { menu: ["Compliance", "Backups", "Access"], forms: false, exports: false, backs: true },
  security_officer: { menu: ["Compliance", "Backups", "Accounts", "Audit trail", "Access"], forms: false, exports: true, backs: false },
  viewer: { menu: ["Compliance", "Backups", "Access"], forms: false, exports: false, backs: false },
} as const;
const PATHS = {
  Compliance: "/admin/compliance",
  Backups: "/admin/backups",
  Accounts: "/admin/accounts",
  "Audit trail": "/admin/audit",
  Access: "/admin/access",
} as const;

for (const [role, may] of Object.entries(ROLES)) {
  test(`${role}: menus show what they may do, and pages hold to it`, async ({ browser, viewport, javaScriptEnabled }) => {
    const { context, email } = await person(browser, role, [role], { viewport, script: javaScriptEnabled ?? true });
    const page = await context.newPage();
    await page.goto("/admin/db-health");
    await expect(page.getByRole("heading", { level: 1 })).toBeVisible();
    await openMenu(page);
    for (const [title, path] of Object.entries(PATHS)) {
      const shown = (may.menu as readonly string[]).includes(title);
      const link = page.getByRole("navigation", { name: "Pages" }).getByRole("link", { name: title, exact: true });
      await expect(link.filter({ visible: true }), title).toHaveCount(shown ? 1 : 0);
      const answer = await page.request.get(path);
      expect(answer.status(), path).toBe(shown ? 200 : 403);
    }
    await expect(page.getByRole("link", { name: email }).filter({ visible: true })).toHaveAttribute("href", "/admin/account");
    if ((may.menu as readonly string[]).includes("Accounts")) {
      await page.goto("/admin/accounts");
      await expect(page.locator("form[action='/admin/accounts/invite']")).toHaveCount(may.forms ? 1 : 0);
      await page.goto("/admin/audit");
      await expect(page.getByRole("button", { name: /^Export/ })).toHaveCount(may.exports ? 1 : 0);
    } else {
      const refused = await page.goto("/admin/accounts");
      expect(refused?.status()).toBe(403);
      await expect(page.getByRole("heading", { level: 1, name: "You may not see this" })).toBeVisible();
    }
    await page.goto("/admin/backups");
    await expect(page.getByRole("button", { name: "Back up now: findawise" })).toHaveCount(may.backs ? 1 : 0);
    await page.goto("/admin/account");
    await expect(page.getByRole("heading", { level: 2, name: "Change the password" })).toBeVisible();
    await context.close();
  });
}

test("a scope leaves no trace of what is outside", async ({ browser, viewport, javaScriptEnabled }) => {
  const { context } = await person(browser, "prod-only", ["operator@environment:prod"], { viewport, script: javaScriptEnabled ?? true });
  const page = await context.newPage();
  for (const path of ["/admin/db-health", "/admin/access", "/admin/account"]) {
    await page.goto(path);
    await expect(page.getByRole("heading", { level: 1 })).toBeVisible();
    expect(await page.content(), path).not.toContain("findawise");
  }
  expect((await page.goto("/admin/targets/findawise"))?.status()).toBe(404);
  await context.close();
});

test("somebody without any role sees a calm page and their own account", async ({ browser, viewport, javaScriptEnabled }) => {
  const { context, email } = await person(browser, "nobody", ["viewer"], { viewport, script: javaScriptEnabled ?? true });
  await asAdmin(async (api) => {
    const list = (await (await api.get("/api/accounts")).json()) as { items: { id: string; email: string }[] };
    const id = list.items.find((a) => a.email === email)?.id;
    expect((await api.patch(`/api/accounts/${id}`, { data: { bindings: [] } })).status()).toBe(200);
  });
  const page = await context.newPage();
  expect((await page.goto("/admin/db-health"))?.status()).toBe(403);
  await expect(page.getByRole("heading", { level: 1, name: "Your account has no role yet" })).toBeVisible();
  expect((await page.goto("/admin/account"))?.status()).toBe(200);
  await context.close();
});

test("a right that is taken away ends what moves within 5 s @script @once", async ({ browser, viewport }) => {
  const { context, email } = await person(browser, "mover", ["viewer"], { viewport, script: true });
  const page = await context.newPage();
  await page.goto("/admin/targets/findawise");
  await expect(page.locator("html[data-acts]")).toBeAttached();
  // The page's stream comes back by itself and is then refused.
  const refused = page.waitForResponse((answer) => answer.url().includes("/admin/live") && answer.status() === 404, { timeout: 15_000 });
  await asAdmin(async (api) => {
    const list = (await (await api.get("/api/accounts")).json()) as { items: { id: string; email: string }[] };
    await api.patch(`/api/accounts/${list.items.find((a) => a.email === email)?.id}`, { data: { bindings: ["viewer@environment:prod"] } });
  });
  await refused;
  await context.close();
});
