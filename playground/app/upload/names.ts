const EXTENSIONS = /(\.(csv|tsv|tab|txt|xlsx|xlsm|xls|ods))?(\.(gz|zst|zip))?$/i;

/** The dataset's name for a file: the file's, without its extensions. */
export function datasetNameForFile(fileName: string): string {
  const stem = fileName.replace(EXTENSIONS, '').trim();
  return stem === '' ? 'dataset' : stem;
}
