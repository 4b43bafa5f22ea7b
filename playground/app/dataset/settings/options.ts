import type { DateOrder, UploadOptions } from '../../api/operations';

/** How a file is to be read, as typed: what is left empty stays as it is. */
export interface OptionsDraft {
  delimiter: string;
  quote: string;
  encoding: string;
  headerRow: string;
  headerRows: string;
  skipRows: string;
  skipFooter: string;
  nullSpellings: string;
  dateOrder: '' | DateOrder;
  decimalMark: string;
}

export const NO_OPTIONS: OptionsDraft = {
  delimiter: '',
  quote: '',
  encoding: '',
  headerRow: '',
  headerRows: '',
  skipRows: '',
  skipFooter: '',
  nullSpellings: '',
  dateOrder: '',
  decimalMark: '',
};

/** The options of the API for what was typed, only those that were. */
export function optionsOf(draft: OptionsDraft): Partial<UploadOptions> {
  const { delimiter, quote, encoding, dateOrder, decimalMark } = draft;
  return {
    ...(delimiter !== '' && { delimiter }),
    ...(quote !== '' && { quote: quote === 'none' ? '' : quote }),
    ...(encoding.trim() !== '' && { encoding: encoding.trim() }),
    ...numbered('headerRow', draft.headerRow),
    ...numbered('headerRows', draft.headerRows),
    ...numbered('skipRows', draft.skipRows),
    ...numbered('skipFooter', draft.skipFooter),
    ...(draft.nullSpellings.trim() !== '' && {
      nullSpellings: draft.nullSpellings.split(',').map((word) => word.trim()),
    }),
    ...(dateOrder !== '' && { dateOrder }),
    ...(decimalMark !== '' && { decimalMark }),
  };
}

function numbered<Name extends keyof UploadOptions>(
  name: Name,
  text: string,
): Partial<Record<Name, number>> {
  if (!/^\d+$/.test(text.trim())) return {};
  return { [name]: Number(text) } as Partial<Record<Name, number>>;
}
