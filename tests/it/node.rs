//! `node`: any row by one id, whatever its dataset.

use serde_json::{Value, json};

use crate::harness::{Client, both_stores};

const NODE: &str = "query($id: ID!) { node(nodeId: $id) { __typename nodeId } }";

fn node_id(client: &Client, field: &str) -> Value {
    client.data(&format!("{{ row: {field} {{ nodeId }} }}"))["row"]["nodeId"].clone()
}

#[test]
fn any_row_is_found_by_its_node_id() {
    both_stores(|server| {
        let client = server.client();
        client.load("towns", "id,name\nb,Bonn\nü\"x,Ulm\n");
        client.load("roads", "name,length\nA1,10\nA2,20\n");
        let (town, road) =
            (node_id(&client, "townsByPk(id: \"ü\\\"x\")"), node_id(&client, "roadsByPk(id: 2)"));
        let document = "query($id: ID!) {
            node(nodeId: $id) { ...Any ... on Towns { id name } ...Road ... on Node { again: nodeId ... on Towns { inner: name } } }
            other: node(nodeId: $id) { ... on Roads { length } }
        }
        fragment Any on Node { __typename nodeId }
        fragment Road on Roads { name length }";
        assert_eq!(
            client.data_with(document, &json!({ "id": town })),
            json!({
                "node": {"__typename": "Towns", "nodeId": town, "id": "ü\"x", "name": "Ulm", "again": town, "inner": "Ulm"},
                "other": {},
            })
        );
        assert_eq!(
            client.data_with(document, &json!({ "id": road })),
            json!({
                "node": {"__typename": "Roads", "nodeId": road, "name": "A2", "length": 20, "again": road},
                "other": {"length": 20},
            })
        );
        // Written in the document, without a word about the type.
        assert_eq!(
            client.data(&format!("{{ node(nodeId: {town}) {{ nodeId __typename }} }}"))["node"],
            json!({"nodeId": town, "__typename": "Towns"})
        );
        // A fragment on another type inside one on Node, where no node is asked for.
        assert_eq!(
            client.data("{ roads(limit: 1) { name ... on Node { ... on Towns { id } } } }")["roads"],
            json!([{"name": "A1"}])
        );
        // What names no row is null, and does no harm to the fields beside it.
        for id in [
            json!(""),
            json!("5"),
            json!(5),
            json!("AQ"),
            json!(format!("{}x", road.as_str().unwrap())),
            json!("é"),
        ] {
            let data = client.data_with(
                "query($id: ID!) { node(nodeId: $id) { nodeId } roads(limit: 1) { id } }",
                &json!({ "id": id }),
            );
            assert_eq!(data, json!({"node": null, "roads": [{"id": 1}]}), "{id}");
        }
        assert_eq!(client.data("{ node(nodeId: 7) { nodeId } }")["node"], Value::Null);
        // A row that is gone, another key, a dataset that is gone.
        let answer = client.upload_with("roads", "mode=replace&wait=60", "name,length\nA1,10\n");
        assert_eq!(answer.status, 200, "{}", answer.text);
        assert_eq!(client.data_with(NODE, &json!({ "id": road }))["node"], Value::Null);
        let still = node_id(&client, "roadsByPk(id: 1)");
        client.upload_with("roads", "mode=replace&wait=60", "name,length\nA9,1\nA1,10\n");
        assert_eq!(client.data_with(NODE, &json!({ "id": still }))["node"]["__typename"], "Roads");
        client.data("mutation { dropDataset(dataset: \"towns\") { name } }");
        assert_eq!(client.data_with(NODE, &json!({ "id": town }))["node"], Value::Null);
        client.load("towns", "id,name\nb,Bonn\n");
        assert_eq!(client.data_with(NODE, &json!({ "id": town }))["node"], Value::Null);
    });
}

#[test]
fn a_node_id_stays_with_a_renamed_dataset() {
    both_stores(|server| {
        let client = server.client();
        client.load("towns", "id,name\n1,Bonn\n");
        let town = node_id(&client, "townsByPk(id: 1)");
        client.data("mutation { renameDataset(dataset: \"towns\", name: \"cities\") { name } }");
        let data = client.data_with(
            "query($id: ID!) { node(nodeId: $id) { __typename nodeId ... on Cities { name } } }",
            &json!({ "id": town }),
        );
        assert_eq!(data["node"], json!({"__typename": "Cities", "nodeId": town, "name": "Bonn"}));
    });
}

/// Columns may be called like anything that connections and nodes bring.
#[test]
fn columns_named_like_parts_of_relay_are_served() {
    both_stores(|server| {
        let client = server.client();
        client.load(
            "odd",
            "node id,cursor,node,edges,nodes,page info,total count,first,after\na,b,c,d,e,f,g,h,i\n",
        );
        let data = client.data(
            "{ oddConnection(orderBy: [{cursor: ASC}, {nodeIdValue: ASC}]) { totalCount nodes { nodeIdValue cursor node edges nodes pageInfo totalCount first after nodeId } } }",
        );
        let mut row = data["oddConnection"]["nodes"][0].clone();
        assert!(row["nodeId"].take().is_string());
        assert_eq!(
            row,
            json!({"nodeIdValue": "a", "cursor": "b", "node": "c", "edges": "d", "nodes": "e", "pageInfo": "f", "totalCount": "g", "first": "h", "after": "i", "nodeId": null})
        );
        let notices = client.data("{ dataset(name: \"odd\") { notices { column message } } }");
        assert!(notices.to_string().contains("nodeIdValue"), "{notices}");
        // Datasets may be, too.
        for (given, name) in [
            ("node", "nodeData"),
            ("nodes", "nodes"),
            ("edge", "edge"),
            ("page info", "pageInfoData"),
            ("oddConnection", "oddConnectionData"),
            ("oddEdge", "oddEdgeData"),
        ] {
            let job = client.load(&given.replace(' ', "%20"), "a\n1\n");
            let got = &job["dataset"]["name"];
            assert!(got == name || got == &format!("{name}Data"), "{given}: {got}");
        }
        assert!(client.get("/schema.graphql").text.contains("interface Node"));
        assert_eq!(client.data("{ odd { cursor } }")["odd"], json!([{"cursor": "b"}]));
    });
}
