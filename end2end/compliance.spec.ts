// E1 to E3: what is proven, what is wrong, its evidence, and who accepts its risk.
import { sql } from "./support/estate";
import { person } from "./support/people";
import { account, eventually, expect, test } from "./support/test";

/** The first scan of the sample estate begins moments after the start. */
const SCANNED = { timeout: 60_000 };

test("the first screen says how much is proven, of how much, and leads to the worst", async ({ page }) => {
  await expect(async () => {
    await page.goto("/admin/db-health");
    await expect(page.locator("#security-part")).toContainText(/of 100 points are proven/, { timeout: 1000 });
  }).toPass(SCANNED);
  const part = page.locator("#security-part");
  await expect(part).toContainText("Readiness evidence, not certification or legal advice.");
  await expect(part.getByRole("link", { name: /^\d+ of 150$/ })).toBeVisible();
  await expect(part.locator(".scores")).not.toContainText("100.0");
  const worst = part.locator(".worst a").first();
  const sentence = (await worst.innerText()).trim();
  await worst.click();
  await expect(page).toHaveURL(/\/admin\/compliance\/findings\/findawise\/[0-9a-f]+$/);
  await expect(page.locator(".answer")).toHaveText(sentence);
  await expect(page.locator(".fix pre").first()).not.toBeEmpty();
});

test("from a number to its raw evidence in three clicks", async ({ page }) => {
  await page.goto("/admin/db-health");
  await page.locator("#security-part").getByRole("link", { name: /^\d+ of 150$/ }).click();
  await page.locator(".controls [data-verdict=pass]").first().locator("xpath=ancestor::tr").getByRole("link").click();
  const answer = page.locator("details.answer-of[open]").first();
  await expect(answer.locator("dd.hash")).toHaveText(/^[0-9a-f]{64}$/);
  await expect(answer.getByText("The query, to ask again")).toBeVisible();
});

test("every number of the first screen is a way to what is behind it, in three clicks @once", async ({ page }) => {
  test.setTimeout(120_000);
  const numbers = page.locator("#security-part td.num");
  await expect(async () => {
    await page.goto("/admin/db-health");
    await expect(numbers.nth(20)).toBeVisible({ timeout: 1000 });
  }).toPass(SCANNED);
  expect(await numbers.count(), "each of them leads somewhere").toBe(await numbers.locator("a").count());
  const first = await numbers.locator("a").evaluateAll((all) => [...new Set(all.map((a) => a.getAttribute("href") ?? ""))]);
  const evidence = page.locator(".answer-of[open] dd.hash");
  const further = "a[href*='/compliance/controls/'], a[href*='/compliance/findings/']";
  let proven = 0;
  for (const href of first) {
    await page.goto(href);
    const part = new URL(href, "http://reeve").hash;
    const place = page.locator(part && part !== "#findings" ? part : "#main");
    // What no database shows has persons' words behind it, and what nobody maps has nothing.
    if (part === "#only_person" || part === "#no_evidence") {
      await expect(place.locator("tbody tr").first()).toBeVisible();
      continue;
    }
    // A list without a row says so.
    if ((await place.locator("[data-empty=filtered-out]").count()) > 0) continue;
    const next = await place.locator(further).evaluateAll((all) => all.map((a) => a.getAttribute("href") ?? "")[0]);
    expect(next, `${href} leads to a control or a finding`).toBeTruthy();
    await page.goto(next ?? "");
    // A control that only a person can show, and one that Reeve does not judge, have none and say so.
    const none = page.getByText(/^(Only a person can show this|Reeve does not judge this control)$/);
    await expect(evidence.first().or(none).first(), `${href}, then ${next}`).toBeVisible();
    if ((await evidence.count()) === 0) continue;
    await expect(page.locator(".answer-of[open] pre").first(), "what was asked").not.toBeEmpty();
    // What could not be read has no hash, and says why.
    if ((await evidence.first().innerText()) === "—") await expect(page.locator(".answer-of[open] .evidence-missing").first()).not.toBeEmpty();
    else {
      await expect(evidence.first()).toHaveText(/^[0-9a-f]{64}$/);
      proven += 1;
    }
  }
  expect(proven).toBeGreaterThan(12);
});

test("frameworks count clauses, and each clause names its controls", async ({ page }) => {
  await page.goto("/admin/compliance");
  const row = page.getByRole("row").filter({ hasText: "GDPR" });
  await expect(row.getByRole("cell").last()).toHaveText("52");
  await row.getByRole("link", { name: "GDPR" }).click();
  await expect(page.getByRole("heading", { level: 1, name: "GDPR" })).toBeVisible();
  await expect(page.locator("#only_person")).toContainText("Art. 5(1)(a)");
  await page.locator(".controls-of a").first().click();
  await expect(page).toHaveURL(/\/admin\/compliance\/controls\/[A-Z]+-\d+$/);
});

test("filters stand in the address and can be taken off", async ({ page }) => {
  await page.goto("/admin/compliance");
  const all = await page.locator("#findings .pager-count").innerText();
  await page.getByLabel("Severity").selectOption("high");
  await page.getByRole("button", { name: "Apply" }).click();
  await expect(page).toHaveURL(/severity=high/);
  await expect(page.locator("#findings tbody tr").first()).toContainText("high");
  await page.goto("/admin/compliance?text=no-such-thing-anywhere");
  await expect(page.locator("[data-empty=filtered-out]")).toBeVisible();
  await page.locator("[data-empty=filtered-out]").getByRole("link", { name: "Show all" }).click();
  await expect(page.locator("#findings .pager-count")).toHaveText(all);
  const csv = await page.request.get("/api/compliance/findings.csv?severity=high");
  expect(csv.headers()["content-type"]).toContain("text/csv");
  expect((await csv.text()).split("\r\n")[1]).toMatch(/^"high","/);
});

test("an officer accepts a risk for somebody else and withdraws it; an admin can't", async ({ page, browser, viewport, javaScriptEnabled }) => {
  const like = { viewport, script: javaScriptEnabled ?? true };
  const { context } = await person(browser, "officer", ["security_officer"], like);
  const officer = await context.newPage();
  await officer.goto("/admin/compliance?state=open&severity=medium");
  await officer.locator("#findings tbody th a").first().click();
  const address = officer.url();
  const form = officer.locator("form[action$='/accept']");
  await form.getByLabel("Reason").fill("It goes away with the move in March.");
  await form.getByLabel("Owner of the risk").fill("nobody-here@example.org");
  await form.getByLabel("Days").fill("30");
  await form.getByRole("button").click();
  await expect(officer.getByRole("alert")).toContainText("Nobody with this e-mail has an account here");
  await expect(officer.getByLabel("Reason"), "nothing that was typed is lost").toHaveValue("It goes away with the move in March.");
  await officer.getByLabel("Owner of the risk").fill(account().email);
  await officer.locator("form[action$='/accept']").getByRole("button").click();
  await expect(officer.getByText("The risk is accepted for 30 days.")).toBeVisible();
  await expect(officer.locator(".page-head .life")).toHaveText("accepted");
  await page.goto(address);
  await expect(page.locator("#risk")).toContainText("It goes away with the move in March.");
  await expect(page.locator("#risk form"), "an admin looks on").toHaveCount(0);
  await officer.getByRole("button", { name: "Withdraw" }).click();
  await expect(officer.locator(".page-head .life")).toHaveText("open");
  await officer.goto("/admin/audit?verb=accept&noun=finding");
  await eventually(officer, () => expect(officer.locator(".audit tbody").first()).toContainText("accept finding", { timeout: 1000 }));
  await context.close();
});

test("an officer vouches for what no database can show, and takes it back", async ({ page, browser, viewport, javaScriptEnabled }) => {
  const { context } = await person(browser, "voucher", ["security_officer"], { viewport, script: javaScriptEnabled ?? true });
  const officer = await context.newPage();
  await officer.goto("/admin/compliance/controls?state=not_assessed");
  await officer.getByRole("link", { name: "ENC-09" }).click();
  const form = officer.locator("form[action$='/attest']");
  await form.getByLabel("What is so").fill("The volumes are encrypted; seen on the console.");
  await form.getByLabel("Where the proof lies").fill("file 12/7");
  await form.getByLabel("Days").fill("400");
  await form.getByRole("button").click();
  await expect(officer.getByRole("alert")).toContainText("A person's word holds for 1 to 365 days.");
  await expect(officer.getByLabel("What is so"), "nothing that was typed is lost").toHaveValue(/encrypted/);
  await officer.getByLabel("Days").fill("90");
  await officer.locator("form[action$='/attest']").getByRole("button").click();
  await expect(officer.getByText("It is written down, and holds for 90 days.")).toBeVisible();
  await page.goto("/admin/compliance/controls?state=attested");
  await page.getByRole("link", { name: "ENC-09" }).click();
  await expect(page.locator(".risk").first()).toContainText("The volumes are encrypted");
  await expect(page.locator("main form"), "an admin looks on").toHaveCount(0);
  await officer.getByRole("button", { name: "Take it back" }).first().click();
  await expect(officer.getByText("It was taken back; nobody vouches for it now.")).toBeVisible();

  await officer.goto("/admin/compliance/frameworks/gdpr");
  const clause = officer.locator("form[action$='/attest']");
  await clause.getByLabel("Clause").selectOption("5(1)(a)");
  await clause.getByLabel("What is so").fill("Counsel has looked at each purpose.");
  await clause.getByRole("button").click();
  await expect(officer.locator("#only_person").getByRole("row", { name: /5\(1\)\(a\)/ })).toContainText("vouches for it until");
  await officer.locator("#words").getByRole("button", { name: "Take it back" }).click();
  await expect(officer.getByText("Nobody vouches for any of these clauses.")).toBeVisible();
  await context.close();
});

// E3: what is new since the last time.
test("what changed between two scans is shown @once", async ({ page }) => {
  const role = "changed_by_a_test";
  const scan = async () => {
    await page.goto("/admin/compliance");
    await page.getByRole("button", { name: /^Scan/ }).first().click();
    await expect(page.getByText("is scanned now")).toBeVisible();
  };
  try {
    await page.goto("/admin/compliance");
    await page.getByRole("link", { name: "What changed" }).click();
    await expect(page.getByRole("heading", { level: 1, name: "What changed" })).toBeVisible();
    sql(`CREATE ROLE ${role} SUPERUSER LOGIN`);
    await scan();
    const line = page.locator("table.changes tbody tr").filter({ hasText: role }).first();
    await expect(async () => {
      await page.goto("/admin/compliance/changes");
      await expect(line).toContainText("appeared", { timeout: 1_000 });
    }).toPass({ timeout: 60_000 });
    sql(`DROP ROLE ${role}`);
    await scan();
    await expect(async () => {
      await page.goto("/admin/compliance/changes");
      await expect(line).toContainText("fixed", { timeout: 1_000 });
    }).toPass({ timeout: 60_000 });
  } finally {
    sql(`DROP ROLE IF EXISTS ${role}`);
  }
});

test("a viewer sees scores and no finding", async ({ browser, viewport, javaScriptEnabled }) => {
  const { context } = await person(browser, "viewer", ["viewer"], { viewport, script: javaScriptEnabled ?? true });
  const page = await context.newPage();
  await page.goto("/admin/compliance");
  await expect(page.locator("[data-empty=no-permission]")).toBeVisible();
  await expect(page.locator(".frameworks")).toContainText("GDPR");
  await expect(page.locator("main").getByRole("link", { name: /findings|controls/i })).toHaveCount(0);
  expect((await page.request.get("/api/compliance/findings")).status()).toBe(403);
  await context.close();
});
