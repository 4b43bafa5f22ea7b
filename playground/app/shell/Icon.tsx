import type { ReactElement } from 'react';

const PATHS = {
  menu: 'M4 7h16M4 12h16M4 17h16',
  close: 'M6 6l12 12M18 6L6 18',
  upload: 'M12 16V5m0 0L7.500 9.500M12 5l4.500 4.500M5 19h14',
  table: 'M4 5h16v14H4zM4 10h16M10 10v9',
  play: 'M8 5.500v13l10.500-6.500z',
  code: 'M9 7l-5 5 5 5M15 7l5 5-5 5',
  check: 'M5 12.500l4.500 4.500L19 7.500',
  download: 'M12 5v11m0 0l-4.500-4.500M12 16l4.500-4.500M5 19h14',
  system: 'M4 5h16v11H4zM9 20h6M12 16v4',
  light:
    'M12 8a4 4 0 100 8 4 4 0 000-8zM12 3v2M12 19v2M3 12h2M19 12h2M5.600 5.600L7 7M17 17l1.400 1.400M18.400 5.600L17 7M7 17l-1.400 1.400',
  dark: 'M19.500 14.500A8 8 0 019.500 4.500a8 8 0 1010 10z',
  link: 'M10 14a4 4 0 006 .5l3-3a4 4 0 00-5.700-5.700l-1.300 1.300M14 10a4 4 0 00-6-.5l-3 3a4 4 0 005.700 5.700l1.300-1.300',
  terminal: 'M4 5h16v14H4zM7.500 9l3 3-3 3M13 15h3.500',
  filter: 'M4 6h16l-6 7v5l-4 2v-7z',
  columns: 'M4 5h16v14H4zM9.300 5v14M14.700 5v14',
  look: 'M2.500 12s3.500-6.500 9.500-6.500 9.500 6.500 9.500 6.500-3.500 6.500-9.500 6.500S2.500 12 2.500 12zM12 9.300a2.700 2.700 0 100 5.400 2.700 2.700 0 000-5.400z',
  home: 'M4 11l8-7 8 7M6 9.500V20h12V9.500',
  relations: 'M4 4h6v5H4zM14 15h6v5h-6zM7 9v8.500h7',
  jobs: 'M12 4a8 8 0 108 8M12 8v4l3 2M15 4.500l4.500 1M19.500 2v3.500',
  key: 'M8 11.500a4 4 0 100 8 4 4 0 000-8zM11 12.500L20 4M16 8l3 3M13.500 10l2 2',
  pulse: 'M3 12h4l3-7 4 14 3-7h4',
  person: 'M12 4a4 4 0 100 8 4 4 0 000-8zM4.500 20c.5-4 3.500-6 7.500-6s7 2 7.500 6',
  plus: 'M12 5v14M5 12h14',
  more: 'M6 12h.01M12 12h.01M18 12h.01',
  expand: 'M14 5h5v5M19 5l-6 6M10 19H5v-5M5 19l6-6',
  undo: 'M8 5L4 9l4 4M4 9h10a5.500 5.500 0 010 11h-4',
  redo: 'M16 5l4 4-4 4M20 9H10a5.500 5.500 0 000 11h4',
  add: 'M12 5v14M5 12h14',
  trash: 'M5 7h14M10 7V4.500h4V7M7 7l1 12.500h8L17 7M10.500 10.500v6M13.500 10.500v6',
  search: 'M10.500 4a6.500 6.500 0 100 13 6.500 6.500 0 000-13zM15.500 15.500L20 20',
  facets: 'M4 6h11M4 12h16M4 18h7',
  copy: 'M9 9h11v11H9zM5 15H4V4h11v1',
  book: 'M5 5h6a2 2 0 012 2v12a2 2 0 00-2-2H5zM19 5h-4a2 2 0 00-2 2v12a2 2 0 012-2h4z',
  bookmark: 'M7 4h10v16l-5-4-5 4z',
  stop: 'M7 7h10v10H7z',
  ascending: 'M12 19V6m0 0l-5 5m5-5l5 5',
  descending: 'M12 5v13m0 0l-5-5m5 5l5-5',
} as const;

export type IconName = keyof typeof PATHS;

/** A line drawing beside a text; it says nothing by itself. */
export function Icon({ name }: { name: IconName }): ReactElement {
  return (
    <svg className="icon" viewBox="0 0 24 24" aria-hidden="true" focusable="false">
      <path d={PATHS[name]} />
    </svg>
  );
}
