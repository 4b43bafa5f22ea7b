//! What policies, scopes and keys let somebody write: rows that it sees, columns that it sees as they
//! are, and only what fits `check` afterwards.

use serde_json::{Value, json};

use crate::access::{key, set_policy, workspace};
use crate::harness::{Client, both_stores};

const ORDERS: &str =
    "id,customer,region,total,secret\n1,ann,eu,10,s1\n2,bob,us,20,s2\n3,cid,eu,30,s3\n";

fn rows(admin: &Client) -> Value {
    admin.data("{ orders { id customer region total secret } }")["orders"].clone()
}

#[track_caller]
fn refused(client: &Client, mutation: &str, code: &str) -> String {
    let (found, message) = client.error(&format!("mutation {{ {mutation} }}"));
    assert_eq!(found, code, "{mutation}: {message}");
    message
}

#[test]
fn a_role_writes_what_its_policy_lets_it() {
    both_stores(|server| {
        let admin = server.client();
        admin.load("orders", ORDERS);
        set_policy(
            &admin,
            r#"dataset: "orders", role: "sales", filter: {region: {_eq: "$claims.region"}},
               check: {region: {_eq: "$claims.region"}, total: {_lt: 1000}},
               columns: ["id", "customer", "region", "total"], masks: [{column: "customer", mask: PARTIAL}],
               operations: [SELECT, AGGREGATE, INSERT, UPDATE, DELETE]"#,
        );
        let sales = key(&admin, r#"scope: WRITE, role: "sales", claims: {region: "eu"}"#);
        // Rows are added within the check, and answered as they may be seen.
        let data = sales.data(
            "mutation { insertOrders(objects: [{id: 4, region: \"eu\", total: 5}]) { affectedRows returning { id region customer } } }",
        );
        assert_eq!(
            data["insertOrders"],
            json!({"affectedRows": 1, "returning": [{"id": 4, "region": "eu", "customer": null}]})
        );
        let message = refused(
            &sales,
            "insertOrders(objects: [{id: 5, region: \"eu\"}, {id: 6, region: \"us\", total: 1}]) { affectedRows }",
            "FORBIDDEN",
        );
        assert!(message.contains("2 of the rows"), "a missing total fits no check: {message}");
        // Columns that are masked or not shown are no columns of its inputs.
        for object in [
            "{id: 9, region: \"eu\", total: 1, secret: \"x\"}",
            "{id: 9, region: \"eu\", total: 1, customer: \"x\"}",
        ] {
            refused(
                &sales,
                &format!("insertOrders(objects: [{object}]) {{ affectedRows }}"),
                "BAD_USER_INPUT",
            );
        }
        let variables = json!({"objects": [{"id": 9, "region": "eu", "total": 1, "secret": "x"}]});
        let insert = "mutation($objects: [OrdersInsertInput!]!) { insertOrders(objects: $objects) { affectedRows } }";
        for _ in 0..2 {
            assert_eq!(sales.graphql(insert, &variables).error().0, "BAD_USER_INPUT");
        }
        // Rows that are not seen are not there: not to be changed, not to be removed, not by key.
        let data = sales.data(
            "mutation { all: updateOrders(where: {}, all: true, _inc: {total: 1}) { affectedRows returning { id } }
                        other: updateOrdersByPk(pkColumns: {id: 2}, _set: {total: 0}) { id }
                        gone: deleteOrders(where: {id: {_in: [1, 2]}}) { affectedRows returning { id total } } }",
        );
        assert_eq!(
            data,
            json!({
                "all": {"affectedRows": 3, "returning": [{"id": 1}, {"id": 3}, {"id": 4}]},
                "other": null,
                "gone": {"affectedRows": 1, "returning": [{"id": 1, "total": 11}]},
            })
        );
        // Nor may rows be moved out of sight, or past the check.
        refused(
            &sales,
            "updateOrders(where: {id: {_eq: 3}}, _set: {region: \"us\"}) { affectedRows }",
            "FORBIDDEN",
        );
        refused(
            &sales,
            "updateOrders(where: {id: {_eq: 3}}, _inc: {total: 5000}) { affectedRows }",
            "FORBIDDEN",
        );
        // A key of a row that is not seen is taken all the same; it is not overwritten.
        refused(
            &sales,
            "insertOrdersOne(object: {id: 2, region: \"eu\", total: 1}) { id }",
            "CONFLICT",
        );
        let data = sales.data(
            "mutation { insertOrders(objects: [{id: 2, region: \"eu\", total: 1}, {id: 3, region: \"eu\", total: 2}],
                onConflict: {constraint: ORDERS_PKEY, updateColumns: [TOTAL]}) { affectedRows } }",
        );
        assert_eq!(data["insertOrders"]["affectedRows"], 1);
        assert_eq!(
            rows(&admin),
            json!([
                {"id": 2, "customer": "bob", "region": "us", "total": 20, "secret": "s2"},
                {"id": 3, "customer": "cid", "region": "eu", "total": 2, "secret": "s3"},
                {"id": 4, "customer": null, "region": "eu", "total": 6, "secret": null},
            ])
        );
        // Without the claim nothing is seen, and nothing fits.
        let nobody = key(&admin, r#"scope: WRITE, role: "sales""#);
        let data = nobody.data("mutation { deleteOrders(where: {}, all: true) { affectedRows } }");
        assert_eq!(data["deleteOrders"]["affectedRows"], 0);
        let (code, _) = nobody.error(
            "mutation { insertOrdersOne(object: {id: 8, region: \"eu\", total: 1}) { id } }",
        );
        assert!(["FORBIDDEN", "BAD_USER_INPUT"].contains(&code.as_str()), "{code}");
        assert_eq!(rows(&admin).as_array().unwrap().len(), 3);
    });
}

#[test]
fn scopes_and_operations_bound_what_is_there_at_all() {
    both_stores(|server| {
        let admin = server.client();
        admin.load("orders", ORDERS);
        admin.load("notes", "id,text\n1,a\n");
        let insert = "insertOrdersOne(object: {id: 9}) { id }";
        let reader = key(&admin, "scope: READ");
        refused(&reader, insert, "FORBIDDEN");
        refused(&server.anonymous(), insert, "UNAUTHENTICATED");
        let other = key(&admin, "scope: WRITE, datasets: [\"notes\"]");
        let (code, _) = other.error(&format!("mutation {{ {insert} }}"));
        assert!(["FORBIDDEN", "BAD_USER_INPUT"].contains(&code.as_str()), "{code}");
        other.data("mutation { insertNotesOne(object: {id: 2}) { id } }");
        let stranger = workspace(&admin, "elsewhere");
        refused(&stranger, insert, "BAD_USER_INPUT");
        set_policy(&admin, r#"dataset: "orders", role: "clerk", operations: [SELECT, INSERT]"#);
        let clerk = key(&admin, r#"scope: WRITE, role: "clerk""#);
        clerk.data(&format!("mutation {{ {insert} }}"));
        refused(&clerk, "deleteOrdersByPk(id: 9) { id }", "FORBIDDEN");
        refused(
            &clerk,
            "updateOrdersByPk(pkColumns: {id: 9}, _set: {total: 1}) { id }",
            "FORBIDDEN",
        );
        refused(
            &clerk,
            "insertOrders(objects: [{id: 9}], onConflict: {constraint: ORDERS_PKEY, updateColumns: [TOTAL]}) { affectedRows }",
            "FORBIDDEN",
        );
        let sdl = clerk.get("/schema.graphql").text;
        assert!(sdl.contains("insertOrders(") && !sdl.contains("deleteOrders"), "{sdl}");
        assert!(!sdl.contains("OrdersSetInput") && !sdl.contains("insertNotes"), "{sdl}");
        let sdl = reader.get("/schema.graphql").text;
        assert!(!sdl.contains("insertOrders") && !sdl.contains("InsertInput"), "{sdl}");
        // A claim's mark in a value is a text like any other.
        admin.data(
            "mutation { insertOrdersOne(object: {id: 10, customer: \"$claims.region\"}) { id } }",
        );
        let found = admin.data("{ orders(where: {customer: {_eq: \"$claims.region\"}}) { id } }");
        assert_eq!(found["orders"], json!([{"id": 10}]));
    });
}

#[test]
fn what_was_written_is_in_the_audit_log() {
    both_stores(|server| {
        let admin = server.client();
        admin.load("orders", ORDERS);
        let writer = key(&admin, "scope: WRITE");
        writer.data(
            "mutation { insertOrdersOne(object: {id: 9}) { id } deleteOrdersByPk(id: 1) { id } }",
        );
        refused(&writer, "insertOrdersOne(object: {id: 9}) { id }", "CONFLICT");
        let log =
            admin.data("{ auditLog(limit: 10) { action target outcome } }")["auditLog"].clone();
        let lines: Vec<&Value> = log
            .as_array()
            .unwrap()
            .iter()
            .filter(|line| line["target"] == "orders" && line["action"] != "upload")
            .collect();
        assert_eq!(
            json!(lines.iter().take(3).collect::<Vec<_>>()),
            json!([
                {"action": "insertOrdersOne", "target": "orders", "outcome": "CONFLICT"},
                {"action": "deleteOrdersByPk", "target": "orders", "outcome": "OK"},
                {"action": "insertOrdersOne", "target": "orders", "outcome": "OK"},
            ])
        );
    });
}
