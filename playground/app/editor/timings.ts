import { create } from 'zustand';

/** How long the last answer of each tab took, as the browser saw it. */
export const useTimings = create<{ activeTab: string; msByTab: Record<string, number> }>(() => ({
  activeTab: '',
  msByTab: {},
}));

export function setActiveTab(activeTab: string): void {
  useTimings.setState({ activeTab });
}

export function noteTiming(ms: number): void {
  useTimings.setState(({ activeTab, msByTab }) => ({ msByTab: { ...msByTab, [activeTab]: ms } }));
}
