// I6: what Reeve can only tell after a while. What goes wrong with the replica of the sample estate, in an estate of its own: named on the
// first screen, on both sides, and gone after healing. And a transaction that is forgotten meanwhile in the estate of the other tests: it is
// told after five minutes.
import type { Locator } from "@playwright/test";

import { breakIt, demo, mendPlanted } from "./support/estate";
import { EMAIL, PASSWORD, Reeve } from "./support/reeve";
import { expect, signIn, test } from "./support/test";

let own: Reeve;
let forgotten: { at: number; ended: Promise<void> } | undefined;
const others = process.env.REEVE_TEST_DATA_DIR;

test.describe.configure({ mode: "default", timeout: 240_000 });

test.beforeAll(async () => {
  test.setTimeout(300_000);
  mendPlanted();
  const { ended } = await breakIt("idle-in-transaction");
  forgotten = { at: Date.now(), ended };
  own = await Reeve.start("systems-replica");
  process.env.REEVE_TEST_DATA_DIR = own.dataDir;
});

test.afterAll(async () => {
  if (others) process.env.REEVE_TEST_DATA_DIR = others;
  if (forgotten) demo("heal");
  await own?.stop();
});

test.describe("the replica", () => {
  test.use({ signedIn: false });

  for (const [fault, primary, replica] of [
    ["replica-stop", /The standby that streams from replication slot systems_replica is away/, /This standby receives no WAL, since primary_conninfo is empty/],
    ["replica-lag", /Standby systems-replica is behind/, /This standby is behind, since its replay is paused/],
  ] as const) {
    test(`the fault ${fault} is told on both sides, and healed`, async ({ page }) => {
      await page.goto(`${own.url}/sign-in`);
      await signIn(page, { email: EMAIL, password: PASSWORD });
      await expect(page).toHaveURL(/db-health/);
      const [away, behind] = [primary, replica].map((hasText) => page.locator(".reason-fact", { hasText })) as [Locator, Locator];
      const estate = page.locator("[data-live=estate]").first();
      await expect(estate).toHaveAttribute("data-status", "healthy", { timeout: 60_000 });
      demo("fault", fault);
      const began = Date.now();
      const since = (moment: number) => ((Date.now() - moment) / 1000).toFixed(1);
      try {
        await expect(away.first()).toBeVisible({ timeout: 90_000 });
        console.log(`FAULT ${fault}: seen after ${since(began)} s: ${await away.first().textContent()}`);
        await expect(behind.first()).toBeVisible({ timeout: 60_000 });
        console.log(`FAULT ${fault}: on the replica after ${since(began)} s: ${await behind.first().textContent()}`);
        await expect(estate).toHaveAttribute("data-status", /degraded|critical/, { timeout: 10_000 });
        expect(demo("fault", "list")).toMatch(new RegExp(`${fault} +now`));
      } finally {
        demo("heal");
      }
      const healed = Date.now();
      await expect(away).toHaveCount(0, { timeout: 90_000 });
      await expect(behind).toHaveCount(0, { timeout: 90_000 });
      await expect(estate).toHaveAttribute("data-status", "healthy", { timeout: 30_000 });
      console.log(`FAULT ${fault}: cleared after ${since(healed)} s`);
    });
  }
});

test("the fault idle-in-transaction is told after five minutes, and healed", async ({ page }) => {
  test.setTimeout(420_000);
  if (!forgotten) throw new Error("no transaction was forgotten");
  if (others) process.env.REEVE_TEST_DATA_DIR = others;
  const told = page.locator(".reason-fact", {
    hasText: / idle in a transaction, the longest of findawise_app \(demo fault idle-in-transaction, process \d+\) for 5/,
  });
  const estate = page.locator("[data-live=estate]").first();
  await page.goto("/admin/db-health");
  await expect(estate).toHaveAttribute("data-status", "healthy", { timeout: 30_000 });
  expect(Date.now() - forgotten.at, "the other tests of this file left time to see it come").toBeLessThan(300_000);
  await expect(told).toHaveCount(0);
  await expect(told.first()).toBeVisible({ timeout: 330_000 });
  console.log(`FAULT idle-in-transaction: seen after ${((Date.now() - forgotten.at) / 1000).toFixed(1)} s: ${await told.first().textContent()}`);
  await expect(estate).toHaveAttribute("data-status", /degraded|critical/);
  expect(demo("fault", "list")).toMatch(/idle-in-transaction +now/);
  demo("heal");
  await forgotten.ended;
  forgotten = undefined;
  const healed = Date.now();
  await expect(told).toHaveCount(0, { timeout: 90_000 });
  await expect(estate).toHaveAttribute("data-status", "healthy", { timeout: 30_000 });
  console.log(`FAULT idle-in-transaction: cleared after ${((Date.now() - healed) / 1000).toFixed(1)} s`);
});
