import { useQuery, type UseQueryResult } from '@tanstack/react-query';
import { ROWS_QUERY_KEY } from '../../api/catalog';
import { request } from '../../api/graphql';
import {
  PlaygroundDeliveriesDocument,
  PlaygroundWebhooksDocument,
  type PlaygroundDeliveriesQuery,
  type PlaygroundWebhookFieldsFragment,
} from '../../api/operations';

export type Webhook = PlaygroundWebhookFieldsFragment;
export type Delivery = PlaygroundDeliveriesQuery['webhookDeliveries'][number];
export type WebhookEvent = Webhook['events'][number];

export const EVENT_WORDS: Record<WebhookEvent, string> = {
  INSERT: 'Rows are added',
  UPDATE: 'Rows are changed',
  DELETE: 'Rows are removed',
  LOAD_FINISHED: 'A load has published a version',
  LOAD_FAILED: 'A load has failed',
};
export const EVENTS = Object.keys(EVENT_WORDS) as WebhookEvent[];

export const PAGE_DELIVERIES = 20;
/** While deliveries wait, they are looked at again so often. */
const LOOK_AGAIN_MS = 4_000;

export function useWebhooks(dataset: string): UseQueryResult<Webhook[]> {
  return useQuery({
    queryKey: [ROWS_QUERY_KEY, dataset, 'webhooks'],
    queryFn: async ({ signal }) =>
      (await request(PlaygroundWebhooksDocument, { dataset }, signal)).webhooks,
  });
}

export function useDeliveries(
  dataset: string,
  webhook: string,
  page: number,
): UseQueryResult<{ deliveries: Delivery[]; hasMore: boolean }> {
  return useQuery({
    queryKey: [ROWS_QUERY_KEY, dataset, 'webhooks', webhook, page],
    queryFn: async ({ signal }) => {
      const { webhookDeliveries } = await request(
        PlaygroundDeliveriesDocument,
        { webhook, limit: PAGE_DELIVERIES + 1, offset: page * PAGE_DELIVERIES },
        signal,
      );
      return {
        deliveries: webhookDeliveries.slice(0, PAGE_DELIVERIES),
        hasMore: webhookDeliveries.length > PAGE_DELIVERIES,
      };
    },
    placeholderData: (before) => before,
    refetchInterval: ({ state }) =>
      state.data?.deliveries.some(({ status }) => status === 'PENDING') ? LOOK_AGAIN_MS : false,
  });
}
