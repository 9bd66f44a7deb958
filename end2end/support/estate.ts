// The sample estate's own PostgreSQL, to change a cause and see Reeve notice. As superuser, over its private socket.
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";

function cluster(): string {
  const data = process.env.REEVE_TEST_DATA_DIR;
  if (!data) throw new Error("these tests change the sample estate and want one of their own: run them without REEVE_URL");
  return join(data, "demo", "findawise");
}

/** Process id, port and socket folder, as the server itself wrote them. */
function server(): { pid: number; port: string; socket: string } {
  const [pid, , , port, socket] = readFileSync(join(cluster(), "pgdata", "postmaster.pid"), "utf8").split("\n");
  if (!pid || !port || !socket) throw new Error("postmaster.pid is incomplete");
  return { pid: Number(pid), port, socket };
}

type Login = "postgres" | "findawise_app";

function psql(login: Login = "postgres"): { args: string[]; env: NodeJS.ProcessEnv } {
  const { port, socket } = server();
  const kept = login === "postgres" ? "superuser.password" : "app.password";
  const password = readFileSync(join(cluster(), kept), "utf8").trim();
  const args = ["--no-psqlrc", "--quiet", "--tuples-only", "--no-align", "--set", "ON_ERROR_STOP=1"];
  return { args: [...args, "--host", socket, "--port", port, "--username", login, "findawise"], env: { ...process.env, PGPASSWORD: password } };
}

/** The address of the sample estate for its application's login, as somebody would type it who registers it. */
export function address(): string {
  const { port, socket } = server();
  const password = readFileSync(join(cluster(), "app.password"), "utf8").trim();
  return `postgresql:///findawise?${new URLSearchParams({ host: socket, port, user: "findawise_app", password })}`;
}

/** Runs SQL to its end and returns what it printed. */
export function sql(text: string): string {
  const { args, env } = psql();
  const done = spawnSync("psql", args, { env, input: text, encoding: "utf8" });
  if (done.status !== 0) throw new Error(`psql: ${done.stderr || done.error}`);
  return done.stdout.trim();
}

/** Mends what is planted in Findawise, by what the page advises, so that nothing but what a test does speaks against it. */
export function mendPlanted(): void {
  sql(`ALTER TABLE core.session_heartbeats RESET (autovacuum_enabled);
       VACUUM (ANALYZE) core.session_heartbeats;
       ALTER TABLE core.webhook_deliveries ALTER COLUMN id TYPE bigint;
       ALTER SEQUENCE core.webhook_deliveries_id_seq AS bigint;`);
}

function reeve(): { program: string; options: { cwd: string; env: NodeJS.ProcessEnv } } {
  const program = resolve(__dirname, "..", process.env.REEVE_BIN ?? "../target/debug/reeve");
  const data = process.env.REEVE_TEST_DATA_DIR;
  if (!data) throw new Error("this test breaks something and wants a sample estate of its own: run it without REEVE_URL");
  return { program, options: { cwd: data, env: { ...process.env, REEVE_DATA_DIR: data } } };
}

/** Runs `reeve demo …` to its end and returns what it printed. */
export function demo(...words: string[]): string {
  const { program, options } = reeve();
  const done = spawnSync(program, ["demo", ...words], { ...options, encoding: "utf8" });
  if (done.status !== 0) throw new Error(`reeve demo ${words.join(" ")}: ${done.stderr || done.error}`);
  return done.stdout;
}

/** `reeve demo fault corrupt-backup`: flips one bit of the newest backup, or flips it back. Returns what it printed. */
export function corruptBackup(): string {
  return demo("fault", "corrupt-backup");
}

/** Starts `reeve demo fault …` and returns when it says that the cause is there, with a promise of the command's end. */
export async function breakIt(fault: string): Promise<{ ended: Promise<void> }> {
  const { program, options } = reeve();
  const child = spawn(program, ["demo", "fault", fault], { ...options, stdio: ["ignore", "pipe", "inherit"] });
  const ended = new Promise<void>((done, failed) =>
    child.once("exit", (code) => (code === 0 ? done() : failed(new Error(`demo fault ${fault} ended with code ${code}`)))),
  );
  const said = new Promise<void>((done) => child.stdout?.once("data", () => done()));
  await Promise.race([said, ended]);
  return { ended };
}

/** A session that runs some SQL and stays open until it is ended. */
export class Session {
  private readonly child: ChildProcess;

  private constructor(login: Login) {
    const { args, env } = psql(login);
    this.child = spawn("psql", args, { env, stdio: ["pipe", "pipe", "inherit"] });
  }

  /** Returns once the SQL has been run. As the application's login it can be ended from a page; a superuser's can't. */
  static async open(text: string, login: Login = "postgres"): Promise<Session> {
    const session = new Session(login);
    const done = new Promise<void>((resolve, reject) => {
      session.child.stdout?.on("data", (chunk: Buffer) => chunk.toString().includes("session is open") && resolve());
      session.child.once("exit", (code) => reject(new Error(`psql ended with code ${code}`)));
    });
    session.child.stdin?.write(`${text}\n\\echo session is open\n`);
    await done;
    return session;
  }

  /** Begins some SQL and doesn't wait for its end. */
  begin(text: string): void {
    this.child.stdin?.write(`${text}\n`);
  }

  /** Ends it; what it held is rolled back. */
  async end(): Promise<void> {
    if (this.child.exitCode !== null) return;
    const ended = new Promise((done) => this.child.once("exit", done));
    this.child.stdin?.end();
    await ended;
  }
}

/** The parent of a process; nothing when it has ended meanwhile. */
function parentOf(pid: number): number | undefined {
  try {
    // `pid (name) state parent …`; the name may hold anything, a bracket too.
    return Number(readFileSync(`/proc/${pid}/stat`, "utf8").replace(/^.*\) /s, "").split(" ")[1]);
  } catch {
    return undefined;
  }
}

/** Stops the whole server where it stands, as a machine that hangs would, and lets it go on afterwards. */
export async function whileFrozen(work: () => Promise<void>): Promise<void> {
  const { pid } = server();
  // The server and its children: each is in a process group of its own.
  const children = readdirSync("/proc").map(Number).filter((id) => id > 0 && parentOf(id) === pid);
  const all = [pid, ...children];
  const signal = (name: NodeJS.Signals) => {
    for (const one of all) {
      try {
        process.kill(one, name);
      } catch {
        // It has ended meanwhile.
      }
    }
  };
  signal("SIGSTOP");
  try {
    await work();
  } finally {
    signal("SIGCONT");
  }
}
