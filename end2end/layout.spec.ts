// What must hold on every page, whatever is on it.
import { expect, PAGES, test } from "./support/test";

for (const [name, path] of Object.entries(PAGES)) {
  test(`${name} answers with one main heading and no scrolling sideways`, async ({ page, viewport, javaScriptEnabled }) => {
    const answer = await page.goto(path);
    expect(answer?.status()).toBe(200);
    await expect(page.getByRole("heading", { level: 1 })).toHaveCount(1);
    await expect(page).toHaveTitle(/ · Reeve$/);
    if (javaScriptEnabled !== false) {
      const width = await page.evaluate(() => document.documentElement.scrollWidth);
      expect(width).toBeLessThanOrEqual(viewport?.width ?? 0);
    }
  });
}

test("pages allow only their own files and scripts by nonce @once", async ({ page }) => {
  const nonces = new Set<string>();
  for (const path of Object.values(PAGES)) {
    const answer = await page.goto(path);
    const policy = answer?.headers()["content-security-policy"] ?? "";
    expect(policy).toContain("default-src 'none'");
    expect(policy).not.toContain("unsafe-inline");
    expect(policy).not.toContain("'unsafe-eval'");
    nonces.add(/'nonce-([^']+)'/.exec(policy)?.[1] ?? "");
  }
  expect(nonces.size).toBe(Object.keys(PAGES).length);
});

// Some releases of Chromium stop drawing after a transition between two documents; whoever looks then sees figures that stand still.
test("a page goes on drawing after a link was followed @script @once", async ({ page }) => {
  await page.goto("/admin/db-health");
  await page.getByRole("navigation", { name: "Pages" }).getByRole("link", { name: "Accounts" }).click();
  await expect(page).toHaveURL(/\/admin\/accounts$/);
  expect(await page.evaluate(() => new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(() => drawn("two frames")))))).toBe("two frames");
});
