// Checks an export of Reeve's audit trail without Reeve: `node check-audit-export.mjs export.jsonl`. Exit code 0: every entry is what was
// sealed, and each follows from the one before it. 1: something is wrong, and it says where. 2: this is no export.
//
// An export's first line names the log, the organisation and the hash before its first entry. Each further line is an entry:
//   leaf = SHA-256(0x00 ‖ salt ‖ event), with the event's fields as `length:bytes,` in a fixed order and a missing one as `-,`
//   hash = SHA-256(0x01 ‖ hash before ‖ place ‖ moment of sealing ‖ leaf), both numbers as 8 bytes, the moment in microseconds
// An export of some entries only (with a filter) has gaps; then each entry's own seal is checked, and each link that there is.
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

let header;
let before;
let [entries, erased, links] = [0, 0, 0];
const wrong = [];
for await (const line of createInterface({ input: createReadStream(process.argv[2] ?? "/dev/stdin"), crlfDelay: Infinity })) {
  if (line === "") continue;
  let said;
  try {
    said = JSON.parse(line);
  } catch {
    console.error(`Line ${entries + 2} is no JSON: the export is incomplete or was changed.`);
    process.exit(1);
  }
  if (!header) {
    header = said;
    if (!header.log || !header.org) {
      console.error("This is no export of an audit trail: its first line names no log.");
      process.exit(2);
    }
    before = { seq: header.after ?? 0, hash: header.previous };
    continue;
  }
  entries += 1;
  const { seq, sealed_at_us: sealed, salt, leaf, hash, event } = said;
  if (event === null) erased += 1;
  else if (sha256(Buffer.from([0]), Buffer.from(salt, "hex"), canonical(event)).toString("hex") !== leaf) wrong.push(`Entry ${seq} was changed.`);
  if (before && before.seq === seq - 1) {
    links += 1;
    const next = sha256(Buffer.from([1]), Buffer.from(before.hash, "hex"), eight(seq), eight(sealed), Buffer.from(leaf, "hex"));
    if (next.toString("hex") !== hash) wrong.push(`Entry ${seq} does not follow from the one before it.`);
  } else if (before && seq <= before.seq) wrong.push(`Entry ${seq} stands after entry ${before.seq}.`);
  before = { seq, hash };
}
if (!header) {
  console.error("This is no export of an audit trail: it is empty.");
  process.exit(2);
}
for (const sentence of wrong) console.error(sentence);
console.log(`${entries} entries, ${links} links checked, ${erased} erased by law; the last is ${before.seq} with hash ${before.hash}.`);
process.exit(wrong.length === 0 ? 0 : 1);
