// G1: sign-in with a browser session.
import { account, expect, openMenu, signIn, test } from "./support/test";

test.use({ signedIn: false });

test("a visitor is led to sign in and then to the page they wanted", async ({ page }) => {
  const wanted = "/admin/targets/findawise/tables?sort=rows";
  await page.goto(wanted);
  await expect(page).toHaveURL(/\/sign-in\?next=/);
  await expect(page.getByRole("heading", { level: 1, name: "Sign in" })).toBeVisible();
  await signIn(page);
  await expect(page).toHaveURL(wanted);
});

test("after signing in, nobody is sent to another site", async ({ page }) => {
  for (const next of ["https://example.com/", "//example.com/", "/\\example.com"]) {
    // Away from the last round's page first: its live stream would be refused, and the browser would say so.
    await page.goto("about:blank");
    await page.context().clearCookies();
    await page.goto(`/sign-in?next=${encodeURIComponent(next)}`);
    await signIn(page);
    await expect(page).toHaveURL("/admin/db-health");
  }
});

test.describe("refused", () => {
  test.use({ refusals: true });

  // Wrong passwords for one account from one place are slowed down, so each test brings strangers of its own.
  const stranger = () => `nobody-${Math.random().toString(36).slice(2)}@example.org`;

  test("a wrong password is refused in one sentence and the e-mail stays", async ({ page }) => {
    await page.goto("/sign-in");
    const answered = page.waitForResponse((answer) => answer.request().method() === "POST" && answer.url().endsWith("/sign-in"));
    const email = stranger();
    await signIn(page, { email, password: "not the password" });
    expect((await answered).status()).toBe(401);
    await expect(page.getByRole("alert")).toBeVisible();
    await expect(page.getByLabel("E-mail")).toHaveValue(email);
    await expect(page.getByLabel("Password")).toHaveValue("");
  });

  test("a wrong password and an unknown e-mail are told in the same words", async ({ page }) => {
    const words: string[] = [];
    for (const email of [account().email, stranger()]) {
      await page.goto("/sign-in");
      await signIn(page, { email, password: "not the password" });
      words.push(await page.getByRole("alert").innerText());
    }
    expect(words[0]).toBe(words[1]);
  });
});

test("signing out ends the session for good", async ({ page, context }) => {
  await page.goto("/sign-in");
  await signIn(page);
  await expect(page).toHaveURL("/admin/db-health");
  const kept = await context.cookies();
  await openMenu(page);
  await page.getByRole("button", { name: "Sign out" }).filter({ visible: true }).click();
  await expect(page).toHaveURL(/\/sign-in/);
  // Even with the cookie put back, the session is gone.
  await context.addCookies(kept);
  await page.goto("/admin/db-health");
  await expect(page).toHaveURL(/\/sign-in/);
});

test("the session's cookie is out of reach of scripts and of other sites", async ({ page, context }) => {
  await page.goto("/sign-in");
  await signIn(page);
  await expect(page).toHaveURL("/admin/db-health");
  const cookies = await context.cookies();
  expect(cookies.length).toBeGreaterThan(0);
  for (const cookie of cookies) {
    expect.soft(cookie.httpOnly, cookie.name).toBe(true);
    expect.soft(["Lax", "Strict"], cookie.name).toContain(cookie.sameSite);
  }
});
