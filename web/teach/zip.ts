/** An archive of files that are stored as they are. */

const LOCAL = 0x04034b50;
const CENTRAL = 0x02014b50;
const END = 0x06054b50;
const VERSION = 20; // 2.0, which knows folders
const UTF8 = 0x0800;
const NEW_YEAR_1980 = 0x21; // the date of all files, so that the same drawings give the same archive

export type Entry = { name: string; bytes: Uint8Array<ArrayBuffer> };

export function packZip(entries: Entry[]): Blob {
  const files: BlobPart[] = [];
  const directory: BlobPart[] = [];
  let place = 0;
  let directorySize = 0;
  for (const { name, bytes } of entries) {
    const path = new TextEncoder().encode(name);
    const size = bytes.length;
    // What both headers have: [bytes of the field, its value].
    const common = [
      ...[[2, VERSION], [2, UTF8], [2, 0], [2, 0], [2, NEW_YEAR_1980]],
      ...[[4, crc32(bytes)], [4, size], [4, size], [2, path.length], [2, 0]],
    ];
    files.push(fields([[4, LOCAL], ...common]), path, bytes);
    const header = fields([[4, CENTRAL], [2, VERSION], ...common, [2, 0], [2, 0], [2, 0], [4, 0], [4, place]]);
    directory.push(header, path);
    place += 30 + path.length + size;
    directorySize += header.length + path.length;
  }
  const count = entries.length;
  const end = fields([[4, END], [2, 0], [2, 0], [2, count], [2, count], [4, directorySize], [4, place], [2, 0]]);
  return new Blob([...files, ...directory, end], { type: "application/zip" });
}

function fields(list: number[][]): Uint8Array<ArrayBuffer> {
  const bytes = list.flatMap(([size, value]) =>
    Array.from({ length: size! }, (_, byte) => (value! >>> (8 * byte)) & 255),
  );
  return Uint8Array.from(bytes);
}

function crc32(bytes: Uint8Array): number {
  let crc = -1;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0);
  }
  return ~crc >>> 0;
}
