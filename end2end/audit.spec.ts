// G3: the audit trail as an officer reads it.
import { asAdmin, person, stranger } from "./support/people";
import { eventually, expect, test } from "./support/test";

test.use({ signedIn: false });

test("a change is found by person and resource, with before, after and proof", async ({ browser, viewport, javaScriptEnabled }) => {
  const { context } = await person(browser, "officer", ["security_officer"], { viewport, script: javaScriptEnabled ?? true });
  const email = stranger("subject");
  await asAdmin(async (api) => {
    const made = await api.post("/api/invites", { data: { email, bindings: ["viewer"] } });
    expect(made.status()).toBe(200);
    const list = (await (await api.get("/api/accounts")).json()) as { invites: { id: string; email: string }[] };
    await api.delete(`/api/invites/${list.invites.find((i) => i.email === email)?.id}`);
  });
  const page = await context.newPage();
  await page.goto("/admin/audit");
  await page.getByLabel("On", { exact: true }).fill(email);
  await page.getByRole("button", { name: "Apply" }).click();
  // A reload before the answer would ask for the page without the filter.
  await expect(page).toHaveURL(/[?&]resource=/);
  const entries = page.locator("table.audit tbody[data-outcome]");
  await eventually(page, async () => expect(entries).toHaveCount(1, { timeout: 1000 }));
  await expect(entries).toContainText("invite account");
  await entries.locator("summary").first().click();
  await expect(entries.locator(".entry-more")).toContainText("viewer@everything");
  await expect(entries.locator(".entry-more")).toContainText(/[0-9a-f]{16}/);
  await page.getByRole("link", { name: /Take off the filter/ }).click();
  expect(await entries.count()).toBeGreaterThan(1);

  await page.goto("/admin/audit?outcome=alarm&actor=nobody-was-called-like-this");
  await expect(page.locator("[data-empty]")).toBeVisible();
  const export_ = await page.request.get("/api/audit/export");
  expect(export_.status()).toBe(200);
  expect((await export_.text()).split("\n")[1]).toContain('"leaf"');
  await context.close();
});

test("pages of the trail lead on and back", async ({ browser, viewport, javaScriptEnabled }) => {
  const { context } = await person(browser, "officer", ["security_officer"], { viewport, script: javaScriptEnabled ?? true });
  const page = await context.newPage();
  const first = page.locator("table.audit tbody").first();
  await eventually(page, async () => {
    await page.goto("/admin/audit?limit=5");
    await expect(page.locator("table.audit tbody[data-outcome]")).toHaveCount(5, { timeout: 1000 });
  });
  const newest = await first.innerText();
  await page.getByRole("link", { name: "Older" }).click();
  await expect(page).toHaveURL(/cursor=/);
  expect(await first.innerText()).not.toBe(newest);
  await page.getByRole("link", { name: "Newest" }).click();
  await expect(page).not.toHaveURL(/cursor=/);
  await context.close();
});
