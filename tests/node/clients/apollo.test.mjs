// Apollo Client: variables, pages of a connection kept by its Relay policy, codes of errors.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ApolloClient, CombinedGraphQLErrors, HttpLink, InMemoryCache, gql } from '@apollo/client';
import { relayStylePagination } from '@apollo/client/utilities';
import { headers, url } from './server.mjs';

function client() {
  const ordersConnection = relayStylePagination(['where', 'orderBy']);
  return new ApolloClient({
    link: new HttpLink({ uri: url, headers }),
    cache: new InMemoryCache({
      possibleTypes: { Node: ['Orders', 'Customers'] },
      typePolicies: {
        Query: { fields: { ordersConnection } },
        Orders: { keyFields: ['nodeId'] },
      },
    }),
  });
}

const PAGE = gql`
  query Page($first: Int!, $after: String, $orderBy: [OrdersOrderBy!]) {
    ordersConnection(first: $first, after: $after, orderBy: $orderBy) {
      totalCount
      edges {
        cursor
        node {
          nodeId
          id
          total
          buyer {
            nodeId
            name
          }
        }
      }
      pageInfo {
        hasNextPage
        hasPreviousPage
        startCursor
        endCursor
      }
    }
  }
`;

test('a connection is fetched page by page into one list', async () => {
  const apollo = client();
  const variables = { first: 7, orderBy: [{ total: 'DESC' }, { orderDate: 'ASC' }] };
  const observed = apollo.watchQuery({ query: PAGE, variables });
  const subscription = observed.subscribe({});
  try {
    let connection = (await observed.refetch()).data.ordersConnection;
    const total = connection.totalCount;
    assert.ok(total > 14);
    while (connection.pageInfo.hasNextPage) {
      const nBefore = connection.edges.length;
      await observed.fetchMore({ variables: { first: 90, after: connection.pageInfo.endCursor } });
      connection = apollo.readQuery({ query: PAGE, variables }).ordersConnection;
      assert.ok(connection.edges.length > nBefore);
    }
    assert.equal(connection.edges.length, total);
    const ids = connection.edges.map((edge) => edge.node.id);
    assert.equal(new Set(ids).size, total);
    const whole = await apollo.query({
      query: gql`
        query All($orderBy: [OrdersOrderBy!]) {
          orders(orderBy: $orderBy, limit: 1000) {
            nodeId
            id
          }
        }
      `,
      variables: { orderBy: variables.orderBy },
    });
    assert.deepEqual(ids, whole.data.orders.map((order) => order.id));
  } finally {
    subscription.unsubscribe();
    apollo.stop();
  }
});

test('a node is found again and errors have codes', async () => {
  const apollo = client();
  const { data } = await apollo.query({ query: PAGE, variables: { first: 1 } });
  const { node } = data.ordersConnection.edges[0];
  const again = await apollo.query({
    query: gql`
      query Again($id: ID!) {
        node(nodeId: $id) {
          nodeId
          ... on Orders {
            id
            total
          }
        }
      }
    `,
    variables: { id: node.nodeId },
  });
  assert.equal(again.data.node.__typename, 'Orders');
  assert.equal(again.data.node.id, node.id);
  await assert.rejects(
    apollo.query({ query: PAGE, variables: { first: 1, after: 'x' }, fetchPolicy: 'no-cache' }),
    (error) => {
      assert.ok(CombinedGraphQLErrors.is(error), String(error));
      assert.equal(error.errors[0].extensions.code, 'BAD_USER_INPUT');
      return true;
    },
  );
  apollo.stop();
});
