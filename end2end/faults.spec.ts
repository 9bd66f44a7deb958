// Causes that are changed for real, with what the page then says, and says again afterwards.
import { Session, breakIt, demo, mendPlanted, sql, whileFrozen } from "./support/estate";
import { eventually, expect, test } from "./support/test";

const TABLES = "/admin/targets/findawise/tables";

test.describe.configure({ mode: "default", timeout: 180_000 });

for (const name of ['"><script>alert(1)</script>', "it's a 'quote'", "two\nlines", "ü".repeat(31)]) {
  test(`a table called ${JSON.stringify(name)} is text everywhere`, async ({ page }) => {
    page.on("dialog", () => expect(false, "a dialog was opened by a name").toBe(true));
    const quoted = `core."${name.replaceAll('"', '""')}"`;
    sql(`CREATE TABLE ${quoted} (id int PRIMARY KEY)`);
    try {
      await page.goto(`${TABLES}?search=${encodeURIComponent(name)}`);
      const link = page.locator("table.tables a[data-row]");
      await eventually(page, () => expect(link).toHaveCount(1, { timeout: 1000 }));
      expect((await link.textContent())?.replace(/^findawise\./, "")).toBe(`core.${name}`);
      await link.click();
      await expect(page.getByRole("heading", { level: 1 })).toHaveText(`core.${name.replaceAll("\n", " ")}`);
      await page.goto("/admin/db-health");
      await page.goto(TABLES);
      await expect(page.getByText("300 tables", { exact: true })).toBeVisible();
    } finally {
      sql(`DROP TABLE ${quoted}`);
    }
    await eventually(page, () => expect(page.getByText("299 tables", { exact: true })).toBeVisible({ timeout: 1000 }));
  });
}

test("a table under ACCESS EXCLUSIVE is marked, the others are read, and it recovers", async ({ page }) => {
  const table = sql("SELECT relname FROM pg_class WHERE relnamespace = 'travel'::regnamespace AND relkind = 'r' ORDER BY relname LIMIT 1");
  await page.goto(`${TABLES}?schema=travel&search=${encodeURIComponent(`travel.${table}`)}`);
  const locked = page.locator("table.tables tr").filter({ hasText: `travel.${table}` }).filter({ hasText: "locked" });
  await expect(locked).toHaveCount(0);
  const session = await Session.open(`BEGIN; LOCK TABLE travel."${table}" IN ACCESS EXCLUSIVE MODE;`);
  try {
    await eventually(page, () => expect(locked.first()).toBeVisible({ timeout: 1000 }), 90_000);
    const others = await page.request.get(`${TABLES}?limit=500`);
    expect(others.status()).toBe(200);
  } finally {
    await session.end();
  }
  await eventually(page, () => expect(locked).toHaveCount(0, { timeout: 1000 }), 90_000);
});

test("a target that hangs stalls no page: it says since when, shows what was last known, and recovers", async ({ page }) => {
  await page.goto("/admin/db-health");
  const outage = page.getByText(/^No answer for/);
  await expect(outage).toHaveCount(0);
  await whileFrozen(async () => {
    await eventually(page, () => expect(outage.first()).toBeVisible({ timeout: 1000 }), 90_000);
    await expect(page.getByText("The figures are those last known")).toBeVisible();
    const began = Date.now();
    await page.goto(TABLES);
    expect(Date.now() - began).toBeLessThan(3000);
    await expect(page.locator("table.tables a[data-row]").first()).toBeVisible();
  });
  await page.goto("/admin/db-health");
  await eventually(page, () => expect(outage).toHaveCount(0, { timeout: 1000 }), 90_000);
});

// I6: each fault of the menu, by its command: named in a sentence on the first screen, the verdict changed, and both as before after healing.
test.describe("the fault menu", () => {
  test.beforeAll(mendPlanted);

  for (const [fault, sentence, verdict] of [
    ["slow-query", /A statement of findawise_app \(demo fault slow-query, process \d+\) has been running for/, /degraded|critical/],
    ["lock-chain", /sessions wait for a lock, the longest for .*; process \d+ \(idle in transaction\) stands at the root/, /degraded|critical/],
    ["connection-flood", /usable connections are taken \(9\d %\)/, /degraded|critical/],
    ["hang-target", /No answer for|findawise does not answer/, /critical/],
    ["kill-target", /No answer for|findawise does not answer/, /critical/],
    // The only one where a crash has just lost what was counted of the others.
    [
      "bloat",
      /Vacuum does not keep up with public\.demo_fault_bloat.*: 270,000 dead rows.*, 90 % of its rows.* Autovacuum is switched off for it\./,
      /degraded|critical/,
    ],
    [
      "disk-full",
      /The filesystem of tablespace demo_small \(\/.*\/small\) is (full|9\d(\.\d)? % full): .* of 64 MB are free; .*what writes there fails\./,
      /critical/,
    ],
    ["wraparound", /The oldest transaction id is 1\.7 billion old, 79 % of the way to wraparound: then the server refuses writes\./, /critical/],
  ] as const) {
    test(`the fault ${fault} is told, and healed`, async ({ page }) => {
      if (fault === "disk-full" && process.getuid?.() !== 0) console.log("SKIPPED: the fault disk-full mounts a filesystem, and only root may: NOT TESTED");
      test.skip(fault === "disk-full" && process.getuid?.() !== 0, "only root may mount the filesystem that is filled");
      const told = page.locator(".reason-fact, .outage").filter({ hasText: sentence });
      const estate = page.locator("[data-live=estate]").first();
      await page.goto("/admin/db-health");
      await expect(told).toHaveCount(0);
      await expect(estate).toHaveAttribute("data-status", "healthy", { timeout: 60_000 });
      const { ended } = await breakIt(fault);
      const began = Date.now();
      try {
        await expect(told.first()).toBeVisible({ timeout: 60_000 });
        console.log(`FAULT ${fault}: seen after ${((Date.now() - began) / 1000).toFixed(1)} s: ${await told.first().textContent()}`);
        await expect(estate).toHaveAttribute("data-status", verdict, { timeout: 10_000 });
        expect(demo("fault", "list")).toMatch(new RegExp(`${fault} +now`));
      } finally {
        demo("heal");
      }
      await ended;
      // Freezing everything cleans up what is planted, too; so it is planted again.
      if (fault === "wraparound") mendPlanted();
      const healed = Date.now();
      await expect(told).toHaveCount(0, { timeout: 90_000 });
      await expect(estate).toHaveAttribute("data-status", "healthy", { timeout: 60_000 });
      console.log(`FAULT ${fault}: cleared after ${((Date.now() - healed) / 1000).toFixed(1)} s`);
      await expect(page.locator(".over li", { hasText: sentence }).first(), "and that it is over").toContainText(/lasted \d+ (s|min), ended/);
    });
  }
});

test("a person on call ends the root of a lock chain from the first screen, and the verdict recovers", async ({ page }) => {
  await page.goto("/admin/db-health");
  const { ended } = await breakIt("lock-chain");
  try {
    const told = page.locator(".reason-fact", { hasText: /sessions wait for a lock/ }).first();
    await expect(told).toBeVisible({ timeout: 60_000 });
    // The reason names the process at the root, and its link leads to that one, with what may be done to it.
    await page.getByRole("link", { name: "See the sessions" }).first().click();
    await expect(page).toHaveURL(/session=\d+#chosen$/);
    const root = page.locator("table.lock-tree tr[data-depth='0']");
    await expect(root).toContainText("keeps 6 waiting");
    const pid = (await root.getByRole("link").textContent()) ?? "";
    await expect(page.locator("#chosen")).toContainText(`Process ${pid}`);
    await page.locator("#end > summary").click();
    await page.getByLabel("Process to end").fill(pid);
    await page.getByRole("button", { name: "End the session" }).click();
    await expect(page.getByText(`The session of process ${pid} is ended`)).toBeVisible();
    await page.goto("/admin/db-health");
    await expect(page.locator(".reason-fact", { hasText: /sessions wait for a lock/ })).toHaveCount(0, { timeout: 90_000 });
  } finally {
    demo("heal");
  }
  await ended;
});
