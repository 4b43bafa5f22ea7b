import { useGraphiQL, useGraphiQLActions } from '@graphiql/react';
import { useEffect, useRef } from 'react';
import { takeQuery, useEditorRequests } from './requests';
import { setActiveTab } from './timings';

/** Carries out what the rest of the page asks of GraphiQL. Shows nothing. */
export function Bridge(): null {
  const actions = useGraphiQLActions();
  const { tabs, activeTabIndex, queryEditor } = useGraphiQL((state) => ({
    tabs: state.tabs,
    activeTabIndex: state.activeTabIndex,
    queryEditor: state.queryEditor,
  }));
  const { query, schemaRevision } = useEditorRequests();

  const activeTab = tabs[activeTabIndex]?.id ?? '';
  useEffect(() => setActiveTab(activeTab), [activeTab]);

  useEffect(() => {
    if (query === null || !queryEditor) return;
    const wanted = takeQuery();
    if (wanted === null) return;
    const open = tabs.findIndex((tab) => tab.query?.trim() === wanted.trim());
    if (open >= 0) {
      if (open !== activeTabIndex) actions.changeTab(open);
    } else {
      if (queryEditor.getValue().trim() !== '') actions.addTab();
      queryEditor.setValue(wanted);
    }
    queryEditor.focus();
  }, [query, queryEditor, tabs, activeTabIndex, actions]);

  const introspectedRevision = useRef(schemaRevision);
  useEffect(() => {
    if (introspectedRevision.current === schemaRevision) return;
    introspectedRevision.current = schemaRevision;
    void actions.introspect();
  }, [schemaRevision, actions]);

  return null;
}
