/** A small file that shows what Sluice makes of one: dates, decimals, a category, a missing value. */
const SAMPLE_CSV = `id,City,Country,Founded,Population,Area km2,Capital,Measured
1,Lisbon,Portugal,,545923,100.05,yes,2021-04-19
2,Porto,Portugal,,231800,41.42,no,2021-04-19
3,Vienna,Austria,,2005760,414.78,yes,2024-01-01
4,Graz,Austria,1128,303270,127.57,no,2024-01-01
5,Hamburg,Germany,,1910160,755.22,no,2023-12-31
6,Berlin,Germany,1237,3782202,891.12,yes,2023-12-31
7,Munich,Germany,1158,1510378,310.71,no,2023-12-31
8,Dresden,Germany,1206,566222,328.48,no,2023-12-31
9,Bergen,Norway,1070,291940,464.71,no,2023-01-01
10,Oslo,Norway,1040,709037,454.12,yes,2023-01-01
11,Gothenburg,Sweden,1621,604616,450.00,no,2023-12-31
12,Stockholm,Sweden,1252,988943,188.00,yes,2023-12-31
13,Helsinki,Finland,1550,674500,214.42,yes,2023-12-31
14,Tampere,Finland,1779,255050,524.89,no,2023-12-31
15,Aarhus,Denmark,,290598,91.00,no,2023-01-01
16,Ghent,Belgium,,267709,156.18,no,2023-01-01
17,Utrecht,Netherlands,,367947,99.21,no,2023-01-01
18,Geneva,Switzerland,,206635,15.93,no,2023-12-31
`;

export function sampleFile(): File {
  return new File([SAMPLE_CSV], 'cities.csv', { type: 'text/csv', lastModified: 0 });
}
