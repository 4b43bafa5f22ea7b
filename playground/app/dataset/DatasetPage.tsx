import type { ReactElement } from 'react';

export default function DatasetPage(): ReactElement {
  return <div className="page" />;
}
