import { Link, useNavigate, useParams, useSearch } from '@tanstack/react-router';
import { useEffect, useState, type ReactElement } from 'react';
import { useMe } from '../api/me';
import { formatBytes } from '../format';
import { Busy } from '../shell/Busy';
import { Icon } from '../shell/Icon';
import { Problem } from '../shell/Problem';
import { ChooseFiles } from '../upload/ChooseFiles';
import { bringBack, loadPlanned, removeUpload, useUploads, type Upload } from '../upload/uploads';
import { forgetChoices, readChoices, writeChoices } from './choices';
import type { LoadPlan } from '../upload/send';
import './inspect.css';
import { useFirstLook, type Look } from './inspection';
import { loadPlansOf, UNDECIDED, type Sheet, type SheetPlan } from './plan';
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
  if (upload?.state.is !== 'looked-at') return <Absent key={id} id={id} />;
  const others = list.filter(({ state }) => state.is === 'looked-at');
  return <FileView key={upload.id} upload={upload} others={others} />;
}

/** A file that this page does not have: after a reload the browser may have kept it. */
function Absent({ id }: { id: string }): ReactElement {
  const [isGone, setGone] = useState(false);
  useEffect(() => {
    void bringBack(id).then((isBack) => setGone(!isBack));
  }, [id]);
  return isGone ? <Gone id={id} /> : <Busy label="Looking for the file" />;
}

function Gone({ id }: { id: string }): ReactElement {
  const fileName = readChoices(id)?.fileName;
  return (
    <div className="page">
      <h1>This file is not at hand any more</h1>
      <p>
        {fileName === undefined
          ? 'A file that is looked at stays in its browser until it is loaded or left, for a day at most.'
          : `The browser could not keep ${fileName} when the page was loaded anew. Drop it here again, or choose it.`}
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
  const [choices, setChoices] = useState(
    () => readChoices(upload.id) ?? { fileName: upload.file.name, isWholeWanted: false, plans: {} },
  );
  const { isWholeWanted } = choices;
  useEffect(() => writeChoices(upload.id, choices), [upload.id, choices]);
  const first = useFirstLook(upload, isWholeWanted);
  const navigate = useNavigate();
  const { file } = upload;
  function leave(): void {
    forgetChoices(upload.id);
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
      {upload.isKept === false && (
        <p className="remark">
          The browser does not keep this file, because it is too large or there is no room: after a
          reload of the page it is to be dropped again.
        </p>
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
              <button
                type="button"
                className="button"
                onClick={() => setChoices({ ...choices, isWholeWanted: true })}
              >
                Look at all of it
              </button>
            </p>
          )}
          <Sheets
            upload={upload}
            look={first.data}
            isWholeWanted={isWholeWanted}
            plans={choices.plans}
            onPlan={(sheet, plan) =>
              setChoices((now) => ({ ...now, plans: { ...now.plans, [sheet]: plan } }))
            }
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
  /** What is decided about the sheets, by their names. */
  plans: Record<string, SheetPlan>;
  onPlan: (sheet: string, plan: SheetPlan) => void;
  onLoad: (plans: LoadPlan[]) => void;
}): ReactElement {
  const { plans, onPlan } = props;
  const { sheets } = props.look;
  const { sheet: wanted } = useSearch({ from: '/load/$id' });
  const navigate = useNavigate({ from: '/load/$id' });
  const at = Math.max(
    0,
    sheets.findIndex((sheet) => sheet.name === wanted),
  );
  /** What the latest look at each sheet told: whether the name is taken, how the key is called. */
  const [latest, setLatest] = useState<Record<string, Sheet>>({});
  const nameOf = (sheet: Sheet) => sheet.name ?? '';
  const planOf = (sheet: Sheet) => plans[nameOf(sheet)] ?? UNDECIDED;
  const sheet = sheets[at];
  if (!sheet) return <p>There is no table in this file.</p>;
  const chosen = sheets.filter((one) => planOf(one).isIncluded);
  const toLoad = loadPlansOf(
    chosen.map((one) => ({ plan: planOf(one), sheet: latest[nameOf(one)] ?? one })),
    sheets.map(({ name }) => name),
    props.upload.plan.name,
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
                  onPlan(nameOf(one), { ...planOf(one), isIncluded: event.target.checked })
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
        onPlan={(plan) => onPlan(nameOf(sheet), plan)}
        onLook={(seen) => setLatest((all) => ({ ...all, [nameOf(sheet)]: seen }))}
        nToLoad={chosen.length}
        onLoad={() => props.onLoad(toLoad)}
      />
    </>
  );
}
