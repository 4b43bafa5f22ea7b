import { Link, useNavigate, useParams, useSearch } from '@tanstack/react-router';
import { useState, type ReactElement } from 'react';
import { useMe } from '../api/me';
import { formatBytes } from '../format';
import { Busy } from '../shell/Busy';
import { Icon } from '../shell/Icon';
import { Problem } from '../shell/Problem';
import { ChooseFiles } from '../upload/ChooseFiles';
import { loadPlanned, removeUpload, useUploads, type Upload } from '../upload/uploads';
import './inspect.css';
import { useFirstLook, type Look } from './inspection';
import { loadPlanOf, UNDECIDED, type Sheet, type SheetPlan } from './plan';
import { SheetView } from './SheetView';

/** A file before it is loaded: what Sluice finds in it, to be corrected. */
export default function InspectPage(): ReactElement {
  const { id } = useParams({ from: '/load/$id' });
  const list = useUploads((uploads) => uploads.list);
  const upload = list.find((candidate) => candidate.id === id);
  const { canUpload, isKnown } = useMe();
  if (isKnown && !canUpload) {
    return (
      <div className="page">
        <h1>Your key may not load files</h1>
        <p>Ask an admin for a key with the scope UPLOAD.</p>
      </div>
    );
  }
  if (upload?.state.is !== 'looked-at') return <Gone />;
  const others = list.filter(({ state }) => state.is === 'looked-at');
  return <FileView key={upload.id} upload={upload} others={others} />;
}

/** The file of an address is in the tab that it was dropped into, and nowhere else. */
function Gone(): ReactElement {
  return (
    <div className="page">
      <h1>This file is not at hand any more</h1>
      <p>
        A file that is looked at stays in its browser tab until it is loaded. It was loaded, or the
        page was opened anew.
      </p>
      <div className="actions">
        <ChooseFiles className="button primary" then="looked-at">
          <Icon name="look" />
          Choose a file
        </ChooseFiles>
        <Link to="/" className="button">
          To the datasets
        </Link>
      </div>
    </div>
  );
}

function FileView({ upload, others }: { upload: Upload; others: Upload[] }): ReactElement {
  const [isWholeWanted, setWholeWanted] = useState(false);
  const first = useFirstLook(upload, isWholeWanted);
  const navigate = useNavigate();
  const { file } = upload;
  function leave(): void {
    const next = others.find((other) => other.id !== upload.id);
    void (next
      ? navigate({ to: '/load/$id', params: { id: next.id }, search: {} })
      : navigate({ to: '/' }));
  }
  return (
    <div className="room inspect">
      <div className="room-title">
        <h1>{file.name}</h1>
        <p className="hint">{formatBytes(file.size)}, not loaded yet</p>
        <span className="spacer" />
        <button
          type="button"
          className="button quiet"
          onClick={() => {
            removeUpload(upload.id);
            leave();
          }}
        >
          Leave it
        </button>
      </div>
      {others.length > 1 && (
        <nav aria-label="Files to look at" className="chips">
          {others.map((other) => (
            <Link
              key={other.id}
              to="/load/$id"
              params={{ id: other.id }}
              className="chip-link"
              activeProps={{ 'data-current': true }}
            >
              {other.file.name}
            </Link>
          ))}
        </nav>
      )}
      {first.isPending && <Busy label={`Looking at ${file.name}`} />}
      {first.isError && (
        <>
          <Problem error={first.error} />
          <div className="actions">
            <button type="button" className="button" onClick={() => void first.refetch()}>
              Look again
            </button>
          </div>
        </>
      )}
      {first.data && (
        <>
          {!first.data.isWhole && (
            <p className="remark">
              Seen: the first {formatBytes(first.data.nBytesSeen)} of {formatBytes(file.size)}. The
              load reads every row, and may find another type where a later value does not fit.{' '}
              <button type="button" className="button" onClick={() => setWholeWanted(true)}>
                Look at all of it
              </button>
            </p>
          )}
          <Sheets
            upload={upload}
            look={first.data}
            isWholeWanted={isWholeWanted}
            onLoad={(plans) => {
              loadPlanned(upload.id, plans);
              leave();
            }}
          />
        </>
      )}
    </div>
  );
}

function Sheets(props: {
  upload: Upload;
  look: Look;
  isWholeWanted: boolean;
  onLoad: (plans: ReturnType<typeof loadPlanOf>[]) => void;
}): ReactElement {
  const { sheets } = props.look;
  const { sheet: wanted } = useSearch({ from: '/load/$id' });
  const navigate = useNavigate({ from: '/load/$id' });
  const at = Math.max(
    0,
    sheets.findIndex((sheet) => sheet.name === wanted),
  );
  const [plans, setPlans] = useState<Record<string, SheetPlan>>({});
  /** What the latest look at each sheet told: whether the name is taken, how the key is called. */
  const [latest, setLatest] = useState<Record<string, Sheet>>({});
  const nameOf = (sheet: Sheet) => sheet.name ?? '';
  const planOf = (sheet: Sheet) => plans[nameOf(sheet)] ?? UNDECIDED;
  const sheet = sheets[at];
  if (!sheet) return <p>There is no table in this file.</p>;
  const chosen = sheets.filter((one) => planOf(one).isIncluded);
  const toLoad = chosen.map((one) =>
    loadPlanOf(planOf(one), latest[nameOf(one)] ?? one, sheets.length),
  );
  return (
    <>
      {sheets.length > 1 && (
        <nav aria-label="Sheets" className="chips">
          {sheets.map((one) => (
            <span key={nameOf(one)} className="sheet-chip" data-current={one === sheet}>
              <input
                type="checkbox"
                aria-label={`Load the sheet ${nameOf(one)}`}
                title="Load this sheet"
                checked={planOf(one).isIncluded}
                onChange={(event) =>
                  setPlans({
                    ...plans,
                    [nameOf(one)]: { ...planOf(one), isIncluded: event.target.checked },
                  })
                }
              />
              <button
                type="button"
                aria-current={one === sheet ? 'true' : undefined}
                onClick={() => void navigate({ search: { sheet: nameOf(one) } })}
              >
                {nameOf(one)}
              </button>
            </span>
          ))}
        </nav>
      )}
      <SheetView
        key={nameOf(sheet)}
        upload={props.upload}
        first={sheet}
        nSheets={sheets.length}
        isWholeWanted={props.isWholeWanted}
        isWhole={props.look.isWhole}
        plan={planOf(sheet)}
        onPlan={(plan) => setPlans((all) => ({ ...all, [nameOf(sheet)]: plan }))}
        onLook={(seen) => setLatest((all) => ({ ...all, [nameOf(sheet)]: seen }))}
        nToLoad={chosen.length}
        onLoad={() => props.onLoad(toLoad)}
      />
    </>
  );
}
