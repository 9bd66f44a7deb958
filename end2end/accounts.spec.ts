// G1: accounts as people use them: invite, accept, change, disable; one's own password, sessions and tokens.
import { NEW_PASSWORD, NOBODY, invite, person, stranger } from "./support/people";
import { expect, signIn, test } from "./support/test";

test("an admin invites somebody, who sets a password and signs in", async ({ page, browser, viewport, javaScriptEnabled }) => {
  const email = stranger("guest");
  await page.goto("/admin/accounts");
  const form = page.locator("form[action='/admin/accounts/invite']");
  await form.getByLabel("E-mail").fill(email);
  await form.getByLabel("Role").selectOption("operator");
  await form.getByLabel("For", { exact: true }).fill("environment:dev");
  await form.getByRole("button", { name: "Make the link" }).click();
  const link = await page.locator("section.secret pre").innerText();
  expect(link).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/accept\/[\w-]{43}$/);
  await expect(page.getByText("it can't be shown again")).toBeVisible();
  await page.goto("/admin/accounts");
  expect(await page.content(), "the link is shown once").not.toContain(link.split("/accept/")[1]);
  await expect(page.locator("#invites")).toContainText(email);

  const context = await browser.newContext({ ...NOBODY, viewport, javaScriptEnabled });
  const guest = await context.newPage();
  await guest.goto(link);
  await expect(guest.getByText(email)).toBeVisible();
  await guest.getByLabel("Your name").fill("A Guest");
  const passwords = guest.locator("input[type=password]");
  await passwords.nth(0).fill(NEW_PASSWORD);
  await passwords.nth(1).fill(`${NEW_PASSWORD}, mistyped`);
  await guest.locator("form button").last().click();
  await expect(guest.getByText("differ")).toBeVisible();
  await passwords.nth(0).fill(NEW_PASSWORD);
  await passwords.nth(1).fill(NEW_PASSWORD);
  await guest.locator("form button").last().click();
  await guest.getByRole("link", { name: "Sign in" }).click();
  await signIn(guest, { email, password: NEW_PASSWORD });
  await expect(guest).toHaveURL(/\/admin\/db-health/);
  const used = await guest.goto(link);
  expect(used?.status()).toBe(404);
  await context.close();
});

test.describe("what is refused", () => {
  test.use({ refusals: true });

  test("rights are changed, and what excludes each other is refused in a sentence", async ({ page, browser, viewport, javaScriptEnabled }) => {
    const { email, context } = await person(browser, "changed", ["operator"], { viewport, script: javaScriptEnabled ?? true });
    await page.goto("/admin/accounts");
    await page.getByRole("link", { name: email }).click();
    const form = page.locator("form[action$='/rights']");
    await form.getByLabel("Add", { exact: true }).selectOption("security_officer");
    await form.getByLabel("For", { exact: true }).fill("everything");
    await form.getByRole("button", { name: "Save roles" }).click();
    await expect(page.getByRole("alert")).toContainText("One person can't be");
    // Keyboard and screen reader begin at what went wrong, and a reload leads back to the page.
    await expect(page.getByRole("alert")).toBeFocused();
    await page.goto(page.url());
    await expect(page).toHaveURL(/\/admin\/accounts\/[^/]+$/);
    await form.getByRole("checkbox").uncheck();
    await form.getByLabel("Add", { exact: true }).selectOption("viewer");
    await form.getByLabel("For", { exact: true }).fill("environment:dev");
    await form.getByRole("button", { name: "Save roles" }).click();
    await expect(page.getByText("The rights were changed")).toBeVisible();
    await expect(form.getByRole("checkbox")).toHaveCount(1);
    await context.close();
  });
});

test("disabling asks for the e-mail and shuts the account out at once", async ({ page, browser, viewport, javaScriptEnabled }) => {
  const { email, context } = await person(browser, "leaver", ["viewer"], { viewport, script: javaScriptEnabled ?? true });
  const other = await context.newPage();
  await other.goto("/admin/account");
  await page.goto("/admin/accounts");
  await page.getByRole("link", { name: email }).click();
  await page.locator("#disable > summary").click();
  const dialog = page.locator("#disable dialog");
  await dialog.getByRole("textbox").fill(email);
  await dialog.getByRole("button", { name: "Disable" }).click();
  await expect(page.getByText("The account is disabled")).toBeVisible();
  await other.reload();
  await expect(other).toHaveURL(/\/sign-in/);
  await page.getByRole("button", { name: "Enable" }).click();
  await expect(page.getByText("may sign in again")).toBeVisible();
  await context.close();
});

test("one's own password, sessions and tokens", async ({ browser, viewport, javaScriptEnabled }) => {
  const { email, context } = await person(browser, "own", ["viewer"], { viewport, script: javaScriptEnabled ?? true });
  const page = await context.newPage();
  await page.goto("/admin/account");
  const token = page.locator("form[action='/admin/account/tokens/new']");
  await token.getByLabel("Name").fill("prometheus");
  await token.getByRole("checkbox", { name: /read metrics/ }).check();
  await token.getByRole("button", { name: "Make token" }).click();
  const secret = await page.locator("section.secret pre").innerText();
  expect(secret).toMatch(/^reeve_[\w-]{43}$/);
  const asToken = (path: string) => page.request.get(path, { headers: { authorization: `Bearer ${secret}` } });
  expect((await asToken("/metrics")).status()).toBe(200);
  expect((await asToken("/api/targets")).status()).toBe(403);
  await page.goto("/admin/account");
  expect(await page.content()).not.toContain(secret);
  await page.getByRole("button", { name: /^Revoke/ }).click();
  await expect(page.getByText("The token was revoked")).toBeVisible();
  expect((await asToken("/metrics")).status()).toBe(401);

  const password = page.locator("form[action='/admin/account/password']");
  const fields = password.locator("input[type=password]");
  for (const [at, value] of [NEW_PASSWORD, "another one of my passwords", "another one of my passwords"].entries()) await fields.nth(at).fill(value);
  await password.getByRole("button", { name: "Change password" }).click();
  await expect(page.getByText("The password was changed")).toBeVisible();
  const again = await browser.newContext({ ...NOBODY, baseURL: process.env.REEVE_URL, viewport, javaScriptEnabled });
  const second = await again.newPage();
  await second.goto("/sign-in");
  await signIn(second, { email, password: "another one of my passwords" });
  await expect(second).toHaveURL(/\/admin\/db-health/);
  await page.reload();
  await page.getByRole("button", { name: "End all others" }).click();
  await expect(page.getByText("All other sessions have ended")).toBeVisible();
  await second.reload();
  await expect(second).toHaveURL(/\/sign-in/);
  await Promise.all([context.close(), again.close()]);
});

test.describe("not signed in", () => {
  test.use({ signedIn: false, refusals: true });

  test("a link that is not good says so in one sentence", async ({ page }) => {
    const path = await invite(stranger("twice"), ["viewer"]);
    expect((await page.goto(path.slice(0, -4)))?.status()).toBe(404);
    await expect(page.getByText("This link is not good")).toBeVisible();
  });
});
