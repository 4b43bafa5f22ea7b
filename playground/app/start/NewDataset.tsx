import { lazy, Suspense, useState, type ReactElement } from 'react';
import { Icon } from '../shell/Icon';

const NewDatasetDialog = lazy(() => import('./NewDatasetDialog'));

/** For those who start without a file: a dataset with columns and no rows. */
export function NewDataset({ label = 'New dataset' }: { label?: string }): ReactElement {
  const [isOpen, setOpen] = useState(false);
  return (
    <>
      <button type="button" className="button" onClick={() => setOpen(true)}>
        <Icon name="plus" />
        {label}
      </button>
      {isOpen && (
        <Suspense fallback={null}>
          <NewDatasetDialog onClose={() => setOpen(false)} />
        </Suspense>
      )}
    </>
  );
}
