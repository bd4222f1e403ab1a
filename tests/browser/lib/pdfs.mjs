// PDFs of our own making: harmless ones of many pages, and ones that are difficult or hostile. Texts are bytes (latin1).
import zlib from 'node:zlib';

/** Objects in order, the first is the catalogue. */
function assemble(objects) {
  let out = '%PDF-1.4\n';
  const places = objects.map((body, i) => { const at = out.length; out += `${i + 1} 0 obj\n${body}\nendobj\n`; return at; });
  const start = out.length;
  return `${out}xref\n0 ${objects.length + 1}\n0000000000 65535 f \n${places.map((at) => `${String(at).padStart(10, '0')} 00000 n \n`).join('')}` +
    `trailer\n<< /Size ${objects.length + 1} /Root 1 0 R >>\nstartxref\n${start}\n%%EOF\n`;
}
const stream = (text, more = '') => `<< /Length ${text.length} ${more} >>\nstream\n${text}\nendstream`;
const deflated = (bytes, more = '') => stream(zlib.deflateSync(bytes).toString('latin1'), `/Filter /FlateDecode ${more}`);

/** A PDF of so many pages with a black bar each, what describes them first; `heavy`: bytes of each page that nobody sees. */
export function pdf(pages, heavy = 0) {
  const each = (make) => Array.from({ length: pages }, (_, i) => make(i));
  const drawing = `60 700 400 30 re f ${heavy ? `\n%${'x'.repeat(heavy)}` : ''}`;
  return assemble([
    '<< /Type /Catalog /Pages 2 0 R >>', `<< /Type /Pages /Count ${pages} /Kids [${each((i) => `${3 + i} 0 R`).join(' ')}] >>`,
    ...each((i) => `<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents ${3 + pages + i} 0 R >>`), ...each(() => stream(drawing)),
  ]);
}

/** A page, `side` units wide and high; objects from 5 on are `more`. */
const onePage = (side, content, { page = '', catalogue = '', more = [] } = {}) => assemble([
  `<< /Type /Catalog /Pages 2 0 R ${catalogue} >>`, '<< /Type /Pages /Count 1 /Kids [3 0 R] >>',
  `<< /Type /Page /Parent 2 0 R /MediaBox [0 0 ${side} ${side}] /Contents 4 0 R ${page} >>`, content, ...more,
]);

const u16 = (...values) => Buffer.concat(values.map((v) => { const b = Buffer.alloc(2); b.writeUInt16BE(v & 0xffff); return b; }));
const u32 = (...values) => Buffer.concat(values.map((v) => { const b = Buffer.alloc(4); b.writeUInt32BE(v >>> 0); return b; }));

/** A TrueType font with two glyphs: nothing, and for "A" a square as large as its em: no font that a system has draws it so. */
function blockFont() {
  const square = Buffer.concat([u16(1, 0, 0, 1000, 1000), u16(3, 0), Buffer.from([1, 1, 1, 1]), u16(0, 0, 1000, 0), u16(0, 1000, 0, -1000)]);
  const glyphs = Buffer.alloc(256);
  glyphs[65] = 1;
  const tables = {
    cmap: Buffer.concat([u16(0, 1, 1, 0), u32(12), u16(0, 262, 0), glyphs]), glyf: square,
    head: Buffer.concat([u32(0x10000, 0x10000, 0, 0x5f0f3cf5), u16(0, 1000), u32(0, 0, 0, 0), u16(0, 0, 1000, 1000, 0, 8, 2, 0, 0)]),
    hhea: Buffer.concat([u32(0x10000), u16(1000, 0, 0, 1000, 0, 0, 1000, 1, 0, 0, 0, 0, 0, 0, 0, 2)]), hmtx: u16(1000, 0, 1000, 0),
    loca: u16(0, 0, square.length / 2), maxp: Buffer.concat([u32(0x10000), u16(2, 4, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0)]),
  };
  const names = Object.keys(tables);
  let at = 12 + 16 * names.length;
  const places = names.map((name) => { const here = at; at += (tables[name].length + 3) & ~3; return here; });
  const directory = names.map((name, i) => Buffer.concat([Buffer.from(name), u32(0, places[i], tables[name].length)]));
  const padded = names.map((name) => Buffer.concat([tables[name], Buffer.alloc(-tables[name].length & 3)]));
  return Buffer.concat([u32(0x10000), u16(names.length, 64, 2, names.length * 16 - 64), ...directory, ...padded]);
}

/** An "A" of 100 units in a font of its own (a subset): a black square in the middle of the page. */
export function fontPdf() {
  const font = blockFont();
  return onePage(200, stream('BT /F1 100 Tf 50 50 Td (A) Tj ET'), { page: '/Resources << /Font << /F1 5 0 R >> >>', more: [
    '<< /Type /Font /Subtype /TrueType /BaseFont /ABCDEF+Block /FirstChar 65 /LastChar 65 /Widths [1000] /FontDescriptor 6 0 R >>',
    '<< /Type /FontDescriptor /FontName /ABCDEF+Block /Flags 4 /FontBBox [0 0 1000 1000] /ItalicAngle 0 /Ascent 1000 /Descent 0 /CapHeight 1000 /StemV 80 /FontFile2 7 0 R >>',
    deflated(font, `/Length1 ${font.length}`),
  ] });
}

/** An "I" of 100 units in a font that the document does not bring: a black line from below to above the middle, left of it. */
export const fontlessPdf = () => onePage(200, stream('BT /F1 100 Tf 50 50 Td (I) Tj ET'), {
  page: '/Resources << /Font << /F1 5 0 R >> >>', more: ['<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>'],
});

/** 64 MB of nothing in the space of 64 kB, and an image that says to be of 400 million pixels; then a black square. */
export const bombPdf = () => onePage(200, deflated(Buffer.concat([Buffer.alloc(64 << 20, ' '), Buffer.from('\nq 200 0 0 200 0 0 cm /I Do Q 50 50 100 100 re f')])), {
  page: '/Resources << /XObject << /I 5 0 R >> >>',
  more: [deflated(Buffer.alloc(1 << 20), '/Type /XObject /Subtype /Image /Width 20000 /Height 20000 /ColorSpace /DeviceRGB /BitsPerComponent 8')],
});

/** The largest page that a PDF may have: 14,400 units. */
export const hugePdf = () => onePage(14400, stream('3600 3600 7200 7200 re f'));

/** Scripts when it is opened, when a page is, and under a link that covers it. */
export const scriptPdf = () => {
  const script = "/S /JavaScript /JS (app.alert('opened'); window.top.attacked = 1; app.launchURL('/attacked');)";
  return onePage(200, stream('50 50 100 100 re f'), {
    catalogue: `/OpenAction << ${script} >> /Names << /JavaScript << /Names [(a) << ${script} >>] >> >>`,
    page: `/AA << /O << ${script} >> >> /Annots [<< /Type /Annot /Subtype /Link /Rect [0 0 200 200] /A << /S /URI /URI (javascript:window.attacked=1) >> >>]`,
  });
};
