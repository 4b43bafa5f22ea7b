import { DropdownMenu } from 'radix-ui';
import type { ReactElement } from 'react';
import { useMe } from '../api/me';
import { signOut } from '../session/session';
import { forgetAllFiles } from '../upload/kept';
import { Icon } from './Icon';

const MAY: Record<string, string> = {
  READ: 'may read',
  WRITE: 'may read and change rows',
  UPLOAD: 'may load files and change datasets',
  ADMIN: 'may do everything',
};

/** Who is signed in, and the way out. */
export function Account(): ReactElement {
  const { name, scope, role, datasets, workspace } = useMe();
  return (
    <DropdownMenu.Root modal={false}>
      <DropdownMenu.Trigger className="button quiet account">
        <Icon name="person" />
        <span className="unseen">Account</span>
        <span className="account-name">{name}</span>
      </DropdownMenu.Trigger>
      <DropdownMenu.Portal>
        <DropdownMenu.Content className="menu" align="end" sideOffset={4}>
          <DropdownMenu.Label className="menu-label">
            Key <strong className="mono">{name}</strong> {scope !== null && MAY[scope]}
            {workspace && (
              <>
                <br />
                Workspace <strong>{workspace.name}</strong>
              </>
            )}
            {role !== null && (
              <>
                <br />
                Role <strong>{role}</strong>
              </>
            )}
            {datasets !== null && (
              <>
                <br />
                Only for {datasets.join(', ')}
              </>
            )}
          </DropdownMenu.Label>
          <DropdownMenu.Separator className="menu-separator" />
          <DropdownMenu.Item
            className="menu-item"
            onSelect={() => void forgetAllFiles().finally(signOut)}
          >
            Sign out
          </DropdownMenu.Item>
        </DropdownMenu.Content>
      </DropdownMenu.Portal>
    </DropdownMenu.Root>
  );
}
