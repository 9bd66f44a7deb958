// The page moves by itself while somebody looks.
import { expect, openMenu, signIn, test } from "./support/test";

const feed = "[role=status].live";

for (const [name, path] of [
  ["database health", "/admin/db-health"],
  ["target", "/admin/targets/findawise"],
] as const) {
  test(`figures of ${name} change without a reload, over one stream @script`, async ({ page }) => {
    const streams: string[] = [];
    page.on("request", (request) => request.url().includes("/admin/live") && streams.push(request.url()));
    await page.goto(path);
    await expect(page.locator(feed)).toHaveText("Live");
    const figures = page.locator("main [data-live]");
    const before = await figures.allInnerTexts();
    await expect(async () => expect(await figures.allInnerTexts()).not.toEqual(before)).toPass({ timeout: 20_000 });
    expect(streams).toHaveLength(1);
  });
}

test("a part is renewed around whoever is in it, who stays where they are @script @once", async ({ page }) => {
  await page.goto("/admin/targets/findawise");
  await expect(page.locator(feed)).toHaveText("Live");
  const part = page.locator("#detail-part");
  const summary = part.locator("details[id] > summary").first();
  await summary.focus();
  const at = () => page.evaluate(() => document.activeElement?.parentElement?.id ?? "");
  const opened = await at();
  expect(opened).not.toBe("");
  const shape = await part.getAttribute("data-shape");
  await expect(part).not.toHaveAttribute("data-shape", shape ?? "", { timeout: 40_000 });
  expect(await at()).toBe(opened);
});

test("a part waits for whoever is where it has no such place, and is renewed when they leave @script @once", async ({ page }) => {
  await page.goto("/admin/targets/findawise");
  await expect(page.locator(feed)).toHaveText("Live");
  const part = page.locator("#detail-part");
  await part.locator(".table-frame[tabindex]").first().focus();
  const shape = (await part.getAttribute("data-shape")) ?? "";
  // Fetched anew, and still not exchanged.
  await page.waitForResponse((answer) => answer.url().endsWith("/admin/targets/findawise"), { timeout: 40_000 });
  await page.waitForResponse((answer) => answer.url().endsWith("/admin/targets/findawise"), { timeout: 40_000 });
  await expect(part).toHaveAttribute("data-shape", shape);
  await page.evaluate(() => (document.activeElement as HTMLElement).blur());
  await expect(part).not.toHaveAttribute("data-shape", shape, { timeout: 20_000 });
});

test("a hidden page asks for nothing and goes on when it is seen again @script @once", async ({ page }) => {
  await page.goto("/admin/db-health");
  await expect(page.locator(feed)).toHaveText("Live");
  const show = (state: string) =>
    page.evaluate((value) => {
      Object.defineProperty(document, "visibilityState", { value, configurable: true });
      document.dispatchEvent(new Event("visibilitychange"));
    }, state);
  await show("hidden");
  await expect(page.locator(feed)).toHaveText("Paused");
  await show("visible");
  await expect(page.locator(feed)).toHaveText("Live");
});

test.describe("the end of a session", () => {
  test.use({ signedIn: false, refusals: true });

  test("ends the stream, and the page says so @script @once", async ({ page, context }) => {
    await page.goto("/sign-in");
    await signIn(page);
    await expect(page.locator(feed)).toHaveText("Live");
    const other = await context.newPage();
    await other.goto("/admin/db-health");
    await openMenu(other);
    await other.getByRole("button", { name: "Sign out" }).filter({ visible: true }).click();
    await expect(other).toHaveURL(/\/sign-in/);
    await page.bringToFront();
    await expect(page.locator("#signed-out")).toBeVisible({ timeout: 20_000 });
  });
});

test.describe("without script", () => {
  test.use({ javaScriptEnabled: false });

  test("the page loads itself again @once", async ({ page }) => {
    await page.goto("/admin/db-health");
    const rendered = page.locator("body");
    const before = await rendered.getAttribute("data-now");
    await expect(rendered).not.toHaveAttribute("data-now", before ?? "", { timeout: 30_000 });
  });
});
