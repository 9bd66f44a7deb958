// B6, A5: what machines read.
import { spawnSync } from "node:child_process";
import { resolve } from "node:path";

import { account, expect, test } from "./support/test";

/** Where `make test` put promtool when the machine had none. */
const TOOLS = `${resolve(__dirname, "../target/tools/bin")}:${process.env.PATH}`;

test.use({ signedIn: false });

test("Reeve's own health is open, everything else wants a principal @once", async ({ request }) => {
  for (const path of ["/live", "/ready", "/health"]) {
    expect((await request.get(path)).status(), path).toBe(200);
  }
  for (const path of ["/health/detailed", "/api/targets", "/api/db/health", "/api/health/databases", "/api/health/connections", "/metrics", "/api/openapi.json"]) {
    expect((await request.get(path)).status(), path).toBe(401);
  }
});

test.describe("with a token", () => {
  test("the figures have the shapes that were promised @once", async ({ request }) => {
    const login = await request.post("/api/auth/login", { data: account() });
    const { access_token } = (await login.json()) as { access_token: string };
    const get = async (path: string) => {
      const answer = await request.get(path, { headers: { authorization: `Bearer ${access_token}` } });
      expect(answer.status(), path).toBe(200);
      return answer;
    };
    expect(await (await get("/api/health/databases")).json()).toEqual({
      main: true,
      analytics: true,
      documents: true,
      compliance: true,
      readReplica: false,
    });
    const connections = (await (await get("/api/health/connections")).json()) as Record<string, Record<string, number>>;
    expect(Object.keys(connections.main ?? {}).sort()).toEqual(["idleConnections", "totalConnections", "waitingConnections"]);

    const health = (await (await get("/api/db/health")).json()) as {
      overall: string;
      connections: { active: number; idle: number; max: number };
      performance: { avgQueryTime: number; cacheHitRate: number };
      storage: { totalSize: number; tableCount: number };
    };
    expect(health.overall).toMatch(/^(healthy|degraded|critical)$/);
    expect(health.connections.max).toBeGreaterThan(0);
    expect(Object.keys(health.connections).sort()).toEqual(["active", "idle", "max"]);
    expect(Object.keys(health.performance).sort()).toEqual(["avgQueryTime", "cacheHitRate"]);
    expect(health.storage.tableCount).toBe(299);

    const names = new Set<string>();
    let cursor: string | null = "";
    while (cursor !== null) {
      const query: string = cursor === "" ? "limit=100" : `limit=100&cursor=${encodeURIComponent(cursor)}`;
      const page = (await (await get(`/api/targets/findawise/tables?${query}`)).json()) as { items: { schema: string; name: string }[]; next: string | null };
      page.items.forEach(({ schema, name }) => names.add(`${schema}.${name}`));
      cursor = page.next;
    }
    expect(names.size).toBe(299);
    // I1: in the eight schemas of the estate, and in no other.
    const perSchema: Record<string, number> = {};
    for (const name of names) perSchema[name.split(".")[0] ?? ""] = (perSchema[name.split(".")[0] ?? ""] ?? 0) + 1;
    expect(perSchema).toEqual({ core: 50, finance: 35, health: 30, saas: 25, travel: 40, security: 30, education: 25, ai_ml: 64 });

    const metrics = await (await get("/metrics")).text();
    const checked = spawnSync("promtool", ["check", "metrics"], { input: metrics, encoding: "utf8", env: { ...process.env, PATH: TOOLS } });
    expect(`${checked.error ?? ""}${checked.stdout}${checked.stderr}`).toBe("");
  });
});
