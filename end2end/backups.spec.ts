// D1, D3, D4: an operator who has never restored gets a dropped table back, by the pages alone, with and without JavaScript.
import type { Page } from "@playwright/test";

import { corruptBackup, sql } from "./support/estate";
import { person } from "./support/people";
import { expect, test } from "./support/test";

const JOB_MS = 120_000;

/** Until nothing is at work on the page. Without JavaScript a page is loaded again, as its reader would. */
async function ended(page: Page, script: boolean): Promise<void> {
  const open = page.locator("[data-trust=running], [data-trust=queued]");
  await expect(async () => {
    if (!script) await page.reload();
    await expect(open).toHaveCount(0, { timeout: 1_000 });
  }).toPass({ timeout: JOB_MS });
}

/** A database of the test's own beside the sample's, so that nothing else is touched. */
function database(name: string, text: string): void {
  sql(`DROP DATABASE IF EXISTS "${name}" WITH (FORCE)`);
  sql(`CREATE DATABASE "${name}"`);
  sql(`\\connect "${name}"\n${text}`);
}

test("a dropped table is brought back beside the original", async ({ page, javaScriptEnabled, viewport }) => {
  test.setTimeout(4 * JOB_MS);
  const script = javaScriptEnabled ?? true;
  const name = `lost_${script ? "js" : "plain"}_${viewport?.width ?? 0}`;
  database(name, "CREATE TABLE public.orders (id bigint PRIMARY KEY, what text NOT NULL); INSERT INTO public.orders SELECT i, 'order ' || i FROM generate_series(1, 500) i; CREATE TABLE public.lines (of bigint CONSTRAINT of_an_order REFERENCES public.orders);");
  try {
    // From the first screen to the first backup.
    await expect(async () => {
      await page.goto("/admin/db-health");
      await expect(page.getByRole("button", { name: `Back up now: ${name}` })).toBeVisible({ timeout: 1_000 });
    }).toPass({ timeout: JOB_MS });
    const row = page.getByRole("row").filter({ has: page.getByRole("link", { name, exact: true }) });
    await expect(row).toContainText("no backup");
    await row.getByRole("button", { name: `Back up now: ${name}` }).click();
    await expect(page).toHaveURL(/\/admin\/backups$/);
    await expect(page.getByText(`The backup of ${name} is written down; it begins`)).toBeVisible();
    await ended(page, script);
    await expect(row).toContainText("not proven");

    sql(`\\connect "${name}"\nDROP TABLE public.orders CASCADE`);

    // Its page, and the way back.
    await row.getByRole("link", { name, exact: true }).click();
    await page.locator("table.backups tbody").getByRole("link").first().click();
    await expect(page.getByRole("heading", { level: 1 })).toHaveText(`Backup of ${name}`);
    await page.getByLabel("Name of the new database").fill(`${name}_back`);
    await page.getByRole("button", { name: "Restore beside" }).click();
    await expect(page.getByText("is written down; it begins")).toBeVisible();
    await ended(page, script);
    await expect(page.getByRole("heading", { name: `Restored as ${name}_back` })).toBeVisible();
    await expect(page.getByText("500 rows of 2 tables were compared with the backup")).toBeVisible();
    // What is missing stands first, as soon as the tables were read again.
    await expect(async () => {
      await page.reload();
      await expect(page.locator(".table-choice li").first()).toHaveText(/public\.orders.*not there now/s, { timeout: 1_000 });
    }).toPass({ timeout: JOB_MS });
    await page.locator(".table-choice").getByRole("link", { name: "public.orders" }).click();
    await page.getByText("By hand", { exact: true }).click();
    const steps = page.locator(".steps pre");
    await expect(steps.nth(1)).toContainText(`pg_dump --dbname='${name}_back' --table='"public"."orders"'`);

    // What the table alone does not bring: written by what stands on the page.
    expect(sql(`\\connect "${name}_back"\n${await steps.last().innerText()}`)).toBe(
      "ALTER TABLE public.lines ADD CONSTRAINT of_an_order FOREIGN KEY (of) REFERENCES public.orders(id);",
    );
    expect(sql(`\\connect "${name}_back"\nSELECT count(*), sum(id) FROM public.orders`)).toBe("500|125250");
    expect(sql(`\\connect "${name}"\nSELECT to_regclass('public.orders') IS NULL`), "the original is not touched").toBe("t");

    // From the page alone it is back where it was.
    await page.getByRole("button", { name: `Put public.orders back into ${name}` }).click();
    await ended(page, script);
    await expect(page.getByText(`public.orders is back in ${name}, with all 500 rows as they were backed up. 1 foreign key of another table points to it again.`)).toBeVisible();
    expect(sql(`\\connect "${name}"\nSELECT convalidated FROM pg_constraint WHERE conname = 'of_an_order'`)).toBe("t");
    expect(sql(`\\connect "${name}"\nSELECT count(*), sum(id) FROM public.orders`)).toBe("500|125250");

    // And what is not proven is proven.
    await page.getByRole("button", { name: "Drill", exact: true }).click();
    const field = page.getByLabel("Name of the new database");
    if (script) await field.fill("half a name");
    await ended(page, script);
    await expect(page.locator(".proof")).toContainText("every row came back as it was");
    if (script) await expect(field, "what was typed while the page moved is still there").toHaveValue("half a name");

    // A copy that somebody dropped is not offered any more.
    sql(`DROP DATABASE "${name}_back" WITH (FORCE)`);
    await expect(async () => {
      if (!script) await page.reload();
      await expect(page.getByText(`What was restored as ${name}_back is not there any more`)).toBeVisible({ timeout: 1_000 });
    }).toPass({ timeout: JOB_MS });
    await expect(page.locator(".table-choice")).toHaveCount(0);
  } finally {
    sql(`DROP DATABASE IF EXISTS "${name}" WITH (FORCE)`);
    sql(`DROP DATABASE IF EXISTS "${name}_back" WITH (FORCE)`);
  }
});

// D3: in the place of the original only by a typed name and a second person.
test.describe("replacing", () => {
  test.use({ refusals: true });

  test("a database is replaced by its backup when somebody else agrees", async ({ page, browser, javaScriptEnabled, viewport }) => {
    test.setTimeout(4 * JOB_MS);
    const script = javaScriptEnabled ?? true;
    const name = `spoilt_${script ? "js" : "plain"}_${viewport?.width ?? 0}`;
    database(name, "CREATE TABLE public.orders (id bigint PRIMARY KEY); INSERT INTO public.orders SELECT generate_series(1, 300);");
    try {
      await expect(async () => {
        await page.goto("/admin/db-health");
        await page.getByRole("button", { name: `Back up now: ${name}` }).click({ timeout: 1_000 });
      }).toPass({ timeout: JOB_MS });
      await expect(page.getByText("is written down; it begins")).toBeVisible();
      await ended(page, script);
      sql(`\\connect "${name}"\nDELETE FROM public.orders WHERE id > 10`);
      const row = page.getByRole("row").filter({ has: page.getByRole("link", { name, exact: true }) });
      await row.getByRole("link", { name, exact: true }).click();
      await page.locator("table.backups tbody").getByRole("link").first().click();
      const address = page.url();

      // Another name is refused, in one sentence.
      const ask = async (typed: string) => {
        await page.locator("#replace > summary").click();
        await page.getByLabel("Name of the database to replace").fill(typed);
        await page.getByRole("button", { name: "Ask for the replacement" }).click();
      };
      await ask(`${name}x`);
      await expect(page.getByText("To replace a database its name must be typed")).toBeVisible();
      await ask(name);
      await expect(page.getByText("begins when a second person agrees")).toBeVisible();
      await expect(page.getByText("Somebody else who may approve restores")).toBeVisible();
      await expect(page.getByRole("button", { name: /^Agree/ }), "nobody agrees to what they asked for").toHaveCount(0);
      expect(sql(`\\connect "${name}"\nSELECT count(*) FROM public.orders`), "nothing happens before").toBe("10");

      const { context } = await person(browser, "second", ["operator"], { viewport, script });
      const second = await context.newPage();
      await second.goto(address);
      await second.getByRole("button", { name: `Agree: replace ${name}` }).click();
      await expect(second.getByText("is written down; it begins")).toBeVisible();
      await ended(second, script);
      await expect(second.getByRole("heading", { name: `It took the place of ${name}` })).toBeVisible();
      await expect(second.getByText(/is the backup now, with all 300 rows/)).toBeVisible();
      expect(sql(`\\connect "${name}"\nSELECT count(*) FROM public.orders`)).toBe("300");
      const kept = sql(`SELECT datname FROM pg_database WHERE datname LIKE '${name}_before_%'`);
      expect(sql(`\\connect "${kept}"\nSELECT count(*) FROM public.orders`), "the one before is kept").toBe("10");
      sql(`DROP DATABASE "${kept}" WITH (FORCE)`);
      await context.close();
    } finally {
      sql(`DROP DATABASE IF EXISTS "${name}" WITH (FORCE)`);
    }
  });
});

// D4, I6: a bit that flips where a backup is stored is found by reading it, and the page says so.
test("one flipped bit is told on the page @once", async ({ page }) => {
  test.setTimeout(4 * JOB_MS);
  const name = "bit_flip";
  database(name, "CREATE TABLE public.notes (id bigint PRIMARY KEY, what text); INSERT INTO public.notes SELECT i, md5(i::text) FROM generate_series(1, 2000) i;");
  const verdict = page.locator(".proof");
  const verify = async () => {
    await page.getByRole("button", { name: "Verify all" }).click();
    await expect(page.getByText("is written down; it begins")).toBeVisible();
    await ended(page, true);
  };
  try {
    await expect(async () => {
      await page.goto("/admin/db-health");
      await page.getByRole("button", { name: `Back up now: ${name}` }).click({ timeout: 1_000 });
    }).toPass({ timeout: JOB_MS });
    await ended(page, true);
    const row = page.getByRole("row").filter({ has: page.getByRole("link", { name, exact: true }) });
    await row.getByRole("link", { name, exact: true }).click();
    await page.locator("table.backups tbody").getByRole("link").first().click();
    expect(corruptBackup()).toContain("One bit of backup");
    await verify();
    await expect(verdict).toContainText("A check failed");
    expect(corruptBackup()).toContain("is flipped");
    await verify();
    await expect(verdict).toContainText("read to its end");
  } finally {
    sql(`DROP DATABASE IF EXISTS "${name}" WITH (FORCE)`);
  }
});

test.describe("schedules", () => {
  test.use({ refusals: true });

  test("a schedule is set, says when it runs next, and is removed", async ({ page, javaScriptEnabled, viewport }) => {
    const name = `planned_${javaScriptEnabled ?? true ? "js" : "plain"}_${viewport?.width ?? 0}`;
    database(name, "CREATE TABLE public.notes (id bigint PRIMARY KEY);");
    try {
      await expect(async () => {
        await page.goto("/admin/backups");
        // The list moves by itself; what the form offers is as old as the page.
        await expect(page.locator(`#add-schedule option[value="findawise/${name}"]`)).toHaveCount(1, { timeout: 1_000 });
      }).toPass({ timeout: JOB_MS });
      const form = page.getByRole("form", { name: "Add a schedule" });
      const open = async () => {
        if (!(await form.isVisible())) await page.locator("#add-schedule summary").click();
      };

      // What can't be planned says what to write, and what was typed stands there still.
      await open();
      await form.getByLabel("Database").selectOption(`findawise/${name}`);
      await form.getByLabel("How often").selectOption("cron");
      await form.getByLabel("Cron").fill("now and then");
      await form.getByRole("button", { name: "Add the schedule" }).click();
      await expect(page.getByText("is no time to run at")).toBeVisible();
      await expect(form.getByLabel("Cron")).toHaveValue("now and then");
      await expect(form.getByLabel("Database")).toHaveValue(`findawise/${name}`);
      if (javaScriptEnabled ?? true) {
        // What answers a refused form moves like any other page, and can be loaded again.
        await expect(page).toHaveURL(/\/admin\/backups$/);
        await expect(page.locator(".live")).toHaveAttribute("data-state", "live");
      }

      await form.getByLabel("How often").selectOption("weekly");
      await expect(form.getByLabel("Cron")).toBeHidden();
      await form.getByLabel("Day of the week").selectOption("sunday");
      await form.getByLabel("Time", { exact: true }).fill("03:15");
      await form.getByLabel("Time zone").fill("Europe/Berlin");
      await form.getByRole("button", { name: "Add the schedule" }).click();
      await expect(page).toHaveURL(/\/admin\/backups$/);
      await expect(page.getByText(`The schedule is set: backup of ${name}, weekly on Sunday at 03:15.`)).toBeVisible();
      const row = page.locator("table.schedules tbody tr").filter({ hasText: name });
      await expect(row).toContainText("weekly on Sunday at 03:15");
      await expect(row).toContainText(/in \d+ (d|h|min)/);
      await expect(row).toContainText(/\d{4}-\d\d-\d\d 03:15 Europe\/Berlin/);
      await expect(row).toContainText("not yet");
      const cover = page.locator("table.covers tbody tr").filter({ hasText: name });
      await expect(cover).toContainText(/in \d+ (d|h|min)/);
      await page.goto("/admin/db-health");
      await expect(cover).toContainText(/in \d+ (d|h|min)/);

      await page.goto("/admin/backups");
      await row.getByRole("button", { name: /^Remove the schedule/ }).click();
      await expect(page.getByText("The schedule was removed.")).toBeVisible();
      await expect(row).toHaveCount(0);
      await expect(cover).toContainText("not planned");
    } finally {
      sql(`DROP DATABASE IF EXISTS "${name}" WITH (FORCE)`);
    }
  });
});
