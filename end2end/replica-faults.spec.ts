// I6: what goes wrong with the replica of the sample estate, in an estate of its own: named on the first screen, on both sides, and gone
// after healing.
import { demo } from "./support/estate";
import { EMAIL, PASSWORD, Reeve } from "./support/reeve";
import { expect, signIn, test } from "./support/test";

let own: Reeve;
const others = process.env.REEVE_TEST_DATA_DIR;

test.describe.configure({ mode: "default", timeout: 240_000 });
test.use({ signedIn: false });

test.beforeAll(async () => {
  test.setTimeout(300_000);
  own = await Reeve.start("systems-replica");
  process.env.REEVE_TEST_DATA_DIR = own.dataDir;
});

test.afterAll(async () => {
  if (others) process.env.REEVE_TEST_DATA_DIR = others;
  await own?.stop();
});

for (const [fault, primary, replica] of [
  ["replica-stop", /The standby that streams from replication slot systems_replica is away/, /This standby receives no WAL/],
  ["replica-lag", /Standby systems-replica is behind/, /This standby is behind/],
] as const) {
  test(`the fault ${fault} is told on both sides, and healed`, async ({ page }) => {
    await page.goto(`${own.url}/sign-in`);
    await signIn(page, { email: EMAIL, password: PASSWORD });
    await expect(page).toHaveURL(/db-health/);
    const [away, behind] = [page.getByText(primary), page.getByText(replica)];
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
