/** Latin letters that are no base letter with a mark. */
const spelled: Readonly<Record<string, string>> = {
  ß: 'ss',
  ẞ: 'SS',
  æ: 'ae',
  Æ: 'AE',
  œ: 'oe',
  Œ: 'OE',
  ø: 'o',
  Ø: 'O',
  đ: 'd',
  Đ: 'D',
  ð: 'd',
  Ð: 'D',
  þ: 'th',
  Þ: 'Th',
  ł: 'l',
  Ł: 'L',
  ħ: 'h',
  Ħ: 'H',
  ı: 'i',
  '‘': "'",
  '’': "'",
  '“': '"',
  '”': '"',
  '–': '-',
  '—': '-',
};

/**
 * A label in the characters that the bitmap font has, printable ASCII: Latin letters lose their marks or
 * are spelled, full-width forms become plain ones, other characters become `?`. Null where no letter and
 * no digit is left, as of a label in another script: a row of question marks says nothing.
 */
export function drawableText(label: string): string | null {
  const plain = Array.from(label.normalize('NFKD'), (character) => {
    if (/\p{Mark}/u.test(character)) return '';
    return /^[\x20-\x7e]$/.test(character) ? character : (spelled[character] ?? '?');
  }).join('');
  return /[A-Za-z0-9]/.test(plain) ? plain : null;
}
