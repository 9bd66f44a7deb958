// Checks an export of Reeve's audit trail without Reeve: `node check-audit-export.mjs export.jsonl`. Exit code 0: every entry is what was
// sealed, and each follows from the one before it. 1: something is wrong, and it says where. 2: this is no export.
//
// Each log begins with a line that names it, its organisation and the hash before its first entry. Each further line is an entry:
//   leaf = SHA-256(0x00 ‖ salt ‖ event), with the event's fields as `length:bytes,` in a fixed order and a missing one as `-,`
//   hash = SHA-256(0x01 ‖ hash before ‖ place ‖ moment of sealing ‖ leaf), both numbers as 8 bytes, the moment in microseconds
// The first entry of all follows from SHA-256(0x02 ‖ log ‖ organisation), both as the 16 bytes of their UUID.
// An export of some entries only (with a filter, `whole` is false) has gaps: each entry names the hash before it, so its own seal is
// checked all the same. An export of the whole log has none. The last line says with which entry it ends. Whoever can write the file
// anew can also cut its end off: compare the last entry and its hash with one that was noted elsewhere.
import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { createInterface } from "node:readline";

const sha256 = (...parts) => {
  const hash = createHash("sha256");
  for (const part of parts) hash.update(part);
  return hash.digest();
};
const eight = (number) => {
  const bytes = Buffer.alloc(8);
  bytes.writeBigInt64BE(BigInt(number));
  return bytes;
};

/** The bytes of an event as they were sealed. */
function canonical(e) {
  const fields = [
    e.id, e.org, String(e.at), e.account, e.actor, e.via, e.verb, e.noun, e.resource, e.outcome,
    e.origin.address, e.origin.agent, e.origin.request, e.before, e.after, String(e.count),
  ];
  return Buffer.concat(fields.map((field) => {
    if (field === null || field === undefined) return Buffer.from("-,");
    const bytes = Buffer.from(field, "utf8");
    return Buffer.concat([Buffer.from(`${bytes.length}:`), bytes, Buffer.from(",")]);
  }));
}

const uuid = (text) => Buffer.from(text.replaceAll("-", ""), "hex");

let log;
let last;
let ended = true;
let [lines, logs, entries, erased, links] = [0, 0, 0, 0, 0];
const wrong = [];
for await (const line of createInterface({ input: createReadStream(process.argv[2] ?? "/dev/stdin"), crlfDelay: Infinity })) {
  lines += 1;
  if (line === "") continue;
  let said;
  try {
    said = JSON.parse(line);
  } catch {
    console.error(`Line ${lines} is no JSON: the export is incomplete or was changed.`);
    process.exit(1);
  }
  if (said.log && said.org && !said.leaf) {
    if (!ended) wrong.push("The export breaks off: the line that says where it ends is missing.");
    [log, last, ended] = [said, undefined, false];
    logs += 1;
    continue;
  }
  if (typeof said.end === "number" && !said.leaf && log) {
    if (ended || said.end !== (last?.seq ?? 0)) wrong.push(`Line ${lines} says that the export ends with entry ${said.end}, but entry ${last?.seq ?? 0} stands before it.`);
    ended = true;
    continue;
  }
  if (!log) {
    console.error("This is no export of an audit trail: its first line names no log.");
    process.exit(2);
  }
  entries += 1;
  const { seq, sealed_at_us: sealed, previous, salt, leaf, hash, content, event } = said;
  if (content === "erased" && event === null && salt === null) erased += 1;
  else if (content !== "event" || sha256(Buffer.from([0]), Buffer.from(salt ?? "", "hex"), canonical(event)).toString("hex") !== leaf) {
    wrong.push(`Entry ${seq} was changed.`);
  }
  const next = sha256(Buffer.from([1]), Buffer.from(previous, "hex"), eight(seq), eight(sealed), Buffer.from(leaf, "hex"));
  if (next.toString("hex") !== hash) wrong.push(`Entry ${seq} does not follow from the one before it.`);
  if (seq === 1 && previous !== sha256(Buffer.from([2]), uuid(log.log), uuid(log.org)).toString("hex")) wrong.push("The log does not begin where it should.");
  if (ended) wrong.push(`Entry ${seq} stands after the end.`);
  if (log.whole && seq > (last?.seq ?? 0) + 1) wrong.push(`Between entry ${last?.seq ?? 0} and ${seq} something was taken out: this was an export of the whole log.`);
  if (last && last.seq === seq - 1) {
    links += 1;
    if (last.hash !== previous) wrong.push(`Entry ${seq} does not follow from entry ${last.seq}.`);
  } else if (last && seq <= last.seq) wrong.push(`Entry ${seq} stands after entry ${last.seq}.`);
  last = { seq, hash };
}
if (!log) {
  console.error("This is no export of an audit trail: it is empty.");
  process.exit(2);
}
if (!ended) wrong.push("The export breaks off: the line that says where it ends is missing.");
for (const sentence of wrong) console.error(sentence);
const end = last ? `; the last is ${last.seq} with hash ${last.hash}` : "";
console.log(`${entries} entries of ${logs === 1 ? "one log" : `${logs} logs`}, ${links} links between neighbours, ${erased} erased by law${end}.`);
process.exit(wrong.length === 0 ? 0 : 1);
