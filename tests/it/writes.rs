//! Mutations of rows: what they do, what they answer, what they refuse.

use serde_json::{Value, json};

use crate::harness::{Client, both_stores};

const ORDERS: &str = "id,customer,total,paid,placed,tags\n\
    1,ann,10.50,true,2024-01-01,\"{\"\"a\"\":1}\"\n\
    2,bob,20.00,false,2024-01-02,[1]\n\
    3,cid,30.25,true,,\n";

fn rows(client: &Client) -> Value {
    client.data("{ orders { id customer total paid placed tags } }")["orders"].clone()
}

fn version(client: &Client) -> i64 {
    client.data("{ dataset(name: \"orders\") { version } }")["dataset"]["version"].as_i64().unwrap()
}

#[test]
fn rows_are_added_changed_and_removed() {
    both_stores(|server| {
        let client = server.client();
        client.load("orders", ORDERS);
        let inserted = client.data(
            "mutation { insertOrders(objects: [
                {id: 7, customer: \"dee\", total: \"1.5\", paid: false, placed: \"2024-02-29\", tags: {b: [true]}},
                {id: 5}
            ]) { affectedRows returning { id customer total paid placed tags __typename } __typename } }",
        );
        assert_eq!(
            inserted["insertOrders"],
            json!({"affectedRows": 2, "returning": [
                {"id": 7, "customer": "dee", "total": "1.50", "paid": false, "placed": "2024-02-29", "tags": {"b": [true]}, "__typename": "Orders"},
                {"id": 5, "customer": null, "total": null, "paid": null, "placed": null, "tags": null, "__typename": "Orders"}
            ], "__typename": "OrdersMutationResponse"})
        );
        assert_eq!(version(&client), 2);
        let updated = client.data_with(
            "mutation($who: String!, $set: OrdersSetInput) {
                updateOrders(where: {customer: {_eq: $who}}, _set: $set, _inc: {total: \"0.25\"}) { affectedRows returning { id total paid } }
            }",
            &json!({"who": "ann", "set": {"paid": false}}),
        );
        assert_eq!(
            updated["updateOrders"],
            json!({"affectedRows": 1, "returning": [{"id": 1, "total": "10.75", "paid": false}]})
        );
        let by_key = client.data(
            "mutation { updateOrdersByPk(pkColumns: {id: 2}, _append: {tags: [2]}) { id tags }
                        deleted: deleteOrdersByPk(id: 3) { id customer }
                        none: deleteOrdersByPk(id: 99) { id } }",
        );
        assert_eq!(
            by_key,
            json!({"updateOrdersByPk": {"id": 2, "tags": [1, 2]}, "deleted": {"id": 3, "customer": "cid"}, "none": null})
        );
        assert_eq!(version(&client), 4, "one document, one version");
        let many = client.data(
            "mutation { updateOrdersMany(updates: [
                {where: {id: {_eq: 1}}, _set: {customer: \"x\"}},
                {where: {customer: {_eq: \"x\"}}, _set: {placed: null}},
                {where: {id: {_in: []}}, _set: {placed: null}}
            ]) { affectedRows } }",
        );
        assert_eq!(
            many["updateOrdersMany"],
            json!([{"affectedRows": 1}, {"affectedRows": 1}, {"affectedRows": 0}])
        );
        assert_eq!(
            rows(&client),
            json!([
                {"id": 1, "customer": "x", "total": "10.75", "paid": false, "placed": null, "tags": {"a": 1}},
                {"id": 2, "customer": "bob", "total": "20.00", "paid": false, "placed": "2024-01-02", "tags": [1, 2]},
                {"id": 7, "customer": "dee", "total": "1.50", "paid": false, "placed": "2024-02-29", "tags": {"b": [true]}},
                {"id": 5, "customer": null, "total": null, "paid": null, "placed": null, "tags": null},
            ])
        );
        let all = client.data(
            "mutation { deleteOrders(where: {}, all: true) { affectedRows returning { id } } }",
        );
        assert_eq!(
            all["deleteOrders"],
            json!({"affectedRows": 4, "returning": [{"id": 1}, {"id": 2}, {"id": 7}, {"id": 5}]})
        );
        let count = "{ ordersAggregate { aggregate { count } } orders { id } dataset(name: \"orders\") { rowCount } }";
        assert_eq!(
            client.data(count),
            json!({"ordersAggregate": {"aggregate": {"count": 0}}, "orders": [], "dataset": {"rowCount": "0"}})
        );
    });
}

#[test]
fn numbers_given_by_sluice_are_never_given_twice() {
    both_stores(|server| {
        let client = server.client();
        client.load("notes", "text,n\na,1\nb,2\n");
        let insert = "mutation { insertNotesOne(object: {text: \"c\"}) { id text n } }";
        assert_eq!(client.data(insert)["insertNotesOne"], json!({"id": 3, "text": "c", "n": null}));
        client.data("mutation { deleteNotesByPk(id: 3) { id } }");
        assert_eq!(client.data(insert)["insertNotesOne"]["id"], 4);
        let (code, _) =
            client.error("mutation { insertNotesOne(object: {id: 9, text: \"c\"}) { id } }");
        assert_eq!(code, "BAD_USER_INPUT");
    });
}

#[test]
fn a_key_that_is_there_is_a_conflict_or_an_update() {
    both_stores(|server| {
        let client = server.client();
        client.load("orders", ORDERS);
        let (code, message) =
            client.error("mutation { insertOrders(objects: [{id: 9}, {id: 2}]) { affectedRows } }");
        assert_eq!(code, "CONFLICT");
        assert!(message.contains("objects[1].id"), "{message}");
        let (code, message) =
            client.error("mutation { insertOrders(objects: [{id: 9}, {id: 9}]) { affectedRows } }");
        assert_eq!(code, "CONFLICT");
        assert!(message.contains("objects[1].id"), "{message}");
        let (code, _) =
            client.error("mutation { updateOrdersByPk(pkColumns: {id: 1}, _set: {id: 2}) { id } }");
        assert_eq!(code, "CONFLICT");
        let (code, _) = client.error(
            "mutation { updateOrders(where: {id: {_lt: 3}}, _inc: {id: 1}) { affectedRows } }",
        );
        assert_eq!(code, "CONFLICT");
        assert_eq!(version(&client), 1, "nothing was done");
        let upsert = "mutation($columns: [OrdersUpdateColumn!]!, $where: OrdersBoolExp) {
            insertOrders(objects: [{id: 2, customer: \"new\", total: 5}, {id: 8, customer: \"new\"}, {id: 1, customer: \"new\"}],
                onConflict: {constraint: ORDERS_PKEY, updateColumns: $columns, where: $where}) { affectedRows returning { id customer total } } }";
        let data = client.data_with(
            upsert,
            &json!({"columns": ["CUSTOMER"], "where": {"paid": {"_eq": false}}}),
        );
        assert_eq!(
            data["insertOrders"],
            json!({"affectedRows": 2, "returning": [
                {"id": 2, "customer": "new", "total": "20.00"}, {"id": 8, "customer": "new", "total": null}
            ]})
        );
        let data = client.data_with(upsert, &json!({"columns": []}));
        assert_eq!(data["insertOrders"], json!({"affectedRows": 0, "returning": []}));
        let one = "mutation { insertOrdersOne(object: {id: 1}, onConflict: {constraint: ORDERS_PKEY, updateColumns: []}) { id } }";
        assert_eq!(client.data(one), json!({"insertOrdersOne": null}));
        assert_eq!(
            client.data("{ ordersByPk(id: 1) { customer } }")["ordersByPk"]["customer"],
            "ann"
        );
    });
}

#[test]
fn values_that_do_not_fit_are_refused_whole() {
    both_stores(|server| {
        let client = server.client();
        client.load("orders", ORDERS);
        let insert = "mutation($objects: [OrdersInsertInput!]!) { insertOrders(objects: $objects) { affectedRows } }";
        for (object, part) in [
            (json!({"id": 5_000_000_000_i64}), "BIGINT"),
            (json!({"id": 5, "total": "1.234"}), "objects[1].total"),
            (json!({"id": 5, "total": "12345678901234567.5"}), "DECIMAL"),
            (json!({"id": 5, "total": 0.123_456_789_012_345_68}), "total"),
            (json!({"id": 5, "placed": "2023-02-29"}), "placed"),
            (json!({"id": 5, "placed": "01/02/2024"}), "placed"),
            (json!({"id": 5, "paid": "yes"}), "paid"),
            (json!({"id": 5, "customer": 7}), "customer"),
            (json!({"id": 5, "customer": "a\u{0}b"}), "NUL"),
            (json!({"id": null}), "id"),
            (json!({"customer": "x"}), "objects[1].id"),
            (json!({"id": 5, "nothing": 1}), "nothing"),
            (json!([1]), "objects[1]"),
        ] {
            // A first time it is validated, a second time its document is known.
            for _ in 0..2 {
                let answer = client.graphql(insert, &json!({"objects": [{"id": 4}, object]}));
                assert!(!answer.text.contains("affectedRows"), "{object} {}", answer.text);
                let (code, message) = answer.error();
                assert_eq!(code, "BAD_USER_INPUT", "{object} {message}");
                assert!(message.contains(part), "{object}: {message}");
            }
        }
        for (mutation, part) in [
            ("deleteOrders(where: {}) { affectedRows }", "all: true"),
            ("deleteOrders(where: {_and: [{}]}) { affectedRows }", "all: true"),
            ("deleteOrders(where: {id: {_eq: null}}) { affectedRows }", "_isNull"),
            ("updateOrders(where: {id: {_eq: 1}}) { affectedRows }", "_set"),
            (
                "updateOrders(where: {id: {_gt: 0}}, atMost: 2, _set: {paid: true}) { affectedRows }",
                "2 rows",
            ),
            (
                "updateOrders(where: {id: {_gt: 0}}, _set: {paid: true}, atMost: 10001) { affectedRows }",
                "atMost",
            ),
            (
                "updateOrders(where: {id: {_eq: 1}}, _inc: {id: 2147483647}) { affectedRows }",
                "_inc.id",
            ),
            (
                "updateOrders(where: {id: {_eq: 1}}, _inc: {total: \"99\"}, _set: {total: \"1\"}) { affectedRows }",
                "twice",
            ),
            (
                "insertOrders(objects: [{id: 4}]) { affectedRows } dropDataset(dataset: \"orders\") { name }",
                "transaction",
            ),
        ] {
            let (code, message) = client.error(&format!("mutation {{ {mutation} }}"));
            assert_eq!(code, "BAD_USER_INPUT", "{mutation} {message}");
            assert!(message.contains(part), "{mutation}: {message}");
        }
        // The second field fails: nothing of the first is left.
        let answer = client.graphql(
            "mutation { a: insertOrdersOne(object: {id: 4}) { id } b: insertOrdersOne(object: {id: 4}) { id } }",
            &Value::Null,
        );
        let body: Value = serde_json::from_str(&answer.text).unwrap();
        assert_eq!(body["data"], Value::Null, "{body}");
        assert_eq!(body["errors"][0]["path"], json!(["b"]));
        assert_eq!(version(&client), 1);
        assert_eq!(rows(&client).as_array().unwrap().len(), 3);
    });
}

#[test]
fn a_version_and_an_id_make_writing_safe() {
    both_stores(|server| {
        let client = server.client();
        client.load("orders", ORDERS);
        let (code, message) =
            client.error("mutation { deleteOrdersByPk(id: 1, ifVersion: 2) { id } }");
        assert_eq!(code, "CONFLICT");
        assert!(message.contains("version 1"), "{message}");
        client.data("mutation { deleteOrdersByPk(id: 1, ifVersion: 1) { id } }");
        let insert =
            "mutation($id: Int!) { insertOrdersOne(object: {id: $id}, requestId: \"r-1\") { id } }";
        let first = client.data_with(insert, &json!({"id": 10}));
        assert_eq!(first, json!({"insertOrdersOne": {"id": 10}}));
        assert_eq!(client.data_with(insert, &json!({"id": 10})), first, "answered, not done again");
        assert_eq!(client.graphql(insert, &json!({"id": 11})).error().0, "CONFLICT");
        assert_eq!(version(&client), 3);
        assert_eq!(
            client.data("{ orders { id } }")["orders"],
            json!([{"id": 2}, {"id": 3}, {"id": 10}])
        );
    });
}

#[test]
fn answers_follow_relations_inside_the_transaction() {
    both_stores(|server| {
        let client = server.client();
        client.load("orders", ORDERS);
        client.load("customers", "id,city\nann,Ulm\nbob,Bonn\n");
        client.data(
            "mutation { addRelation(from: \"orders\", column: \"customer\", to: \"customers\", toColumn: \"id\", name: \"buyer\", inverseName: \"orders\") { name } }",
        );
        let data = client.data(
            "mutation {
                insertCustomersOne(object: {id: \"eve\", city: \"Rom\"}) { id }
                insertOrdersOne(object: {id: 4, customer: \"eve\"}) { id buyer { city orders { id } ordersAggregate { aggregate { count } } } }
                updateOrders(where: {buyer: {city: {_eq: \"Rom\"}}}, _set: {total: 1}) { returning { id total buyer { id } } }
                deleteCustomersByPk(id: \"bob\") { id orders { id } }
            }",
        );
        assert_eq!(
            data,
            json!({
                "insertCustomersOne": {"id": "eve"},
                "insertOrdersOne": {"id": 4, "buyer": {"city": "Rom", "orders": [{"id": 4}], "ordersAggregate": {"aggregate": {"count": 1}}}},
                "updateOrders": {"returning": [{"id": 4, "total": "1.00", "buyer": {"id": "eve"}}]},
                "deleteCustomersByPk": {"id": "bob", "orders": [{"id": 2}]},
            })
        );
        assert_eq!(
            client.data("{ customers { id } orders(where: {buyer: {id: {_eq: \"bob\"}}}) { id } }"),
            json!({"customers": [{"id": "ann"}, {"id": "eve"}], "orders": []})
        );
    });
}

#[test]
fn a_document_sent_again_is_answered_by_its_new_variables() {
    both_stores(|server| {
        let client = server.client();
        client.load("customers", "id,name\n1,ann\n2,bob\n");
        client.load("sales", "id,customer_id,n\n1,1,10\n2,1,20\n3,2,30\n");
        client.data("mutation { addRelation(from: \"sales\", column: \"customerId\", to: \"customers\") { name } }");
        let change = "mutation($id: Int!, $name: String!, $with: Boolean!, $n: Int!) {
            updateCustomersByPk(pkColumns: {id: $id}, _set: {name: $name}) {
                id name @include(if: $with) sales(limit: $n, orderBy: {id: ASC}) { id } } }";
        let ask = |id: i64, name: &str, with: bool, n: i64| {
            let variables = json!({ "id": id, "name": name, "with": with, "n": n });
            client.data_with(change, &variables)["updateCustomersByPk"].clone()
        };
        for _ in 0..2 {
            assert_eq!(
                ask(1, "ada", true, 1),
                json!({"id": 1, "name": "ada", "sales": [{"id": 1}]})
            );
            assert_eq!(ask(1, "eve", false, 5), json!({"id": 1, "sales": [{"id": 1}, {"id": 2}]}));
            assert_eq!(
                ask(2, "bea", true, 5),
                json!({"id": 2, "name": "bea", "sales": [{"id": 3}]})
            );
        }
        // Another column, another schema.
        client.data("mutation { alterColumn(dataset: \"customers\", column: \"name\", name: \"title\", wait: 60) { job { status } } }");
        let renamed = "mutation { updateCustomersByPk(pkColumns: {id: 2}, _set: {title: \"cle\"}) { title } }";
        assert_eq!(client.data(renamed)["updateCustomersByPk"], json!({"title": "cle"}));
        let old = client.graphql(change, &json!({"id": 1, "name": "x", "with": true, "n": 1}));
        assert_eq!(old.error().0, "BAD_USER_INPUT");
    });
}

#[test]
fn what_is_answered_is_never_stale() {
    both_stores(|server| {
        let client = server.client();
        client.load("orders", ORDERS);
        client.data(
            "mutation { createIndex(dataset: \"orders\", columns: [\"customer\"]) { name } }",
        );
        client.data("mutation { createSearchIndex(dataset: \"orders\") { name } }");
        let find = "{ orders(search: \"ann\") { id } by: orders(where: {customer: {_eq: \"ann\"}}) { id } ordersAggregate { aggregate { count sum { total } } } }";
        assert_eq!(client.data(find)["orders"], json!([{"id": 1}]));
        for round in 0..5 {
            let id = 100 + round;
            client.data_with(
                "mutation($id: Int!) { insertOrdersOne(object: {id: $id, customer: \"ann b\", total: 1}) { id } }",
                &json!({"id": id}),
            );
            let data = client.data(find);
            assert_eq!(data["orders"].as_array().unwrap().len(), 2, "{data}");
            assert_eq!(data["ordersAggregate"]["aggregate"]["count"], 4);
            assert_eq!(data["ordersAggregate"]["aggregate"]["sum"]["total"], "61.75");
            client.data_with(
                "mutation($id: Int!) { updateOrdersByPk(pkColumns: {id: $id}, _set: {customer: \"zoe\"}) { id } }",
                &json!({"id": id}),
            );
            assert_eq!(client.data(find)["orders"], json!([{"id": 1}]));
            let zoe = client.data("{ orders(search: \"zoe\") { id } }");
            assert_eq!(zoe["orders"], json!([{"id": id}]));
            client.data_with(
                "mutation($id: Int!) { deleteOrdersByPk(id: $id) { id } }",
                &json!({"id": id}),
            );
            assert_eq!(client.data("{ orders(search: \"zoe\") { id } }")["orders"], json!([]));
        }
    });
}

#[test]
fn many_writers_at_once_each_get_an_answer() {
    both_stores(|server| {
        let client = server.client();
        client.load("orders", ORDERS);
        std::thread::scope(|scope| {
            for writer in 0..32 {
                let client = client.clone();
                scope.spawn(move || {
                    for n in 0..10 {
                        let id = 1_000 + writer * 100 + n;
                        let data = client.data_with(
                            "mutation($id: Int!) { insertOrdersOne(object: {id: $id, total: \"1.00\"}) { id } }",
                            &json!({"id": id}),
                        );
                        assert_eq!(data["insertOrdersOne"]["id"], id);
                        let read = client.data_with("query($id: Int!) { ordersByPk(id: $id) { id } }", &json!({"id": id}));
                        assert_eq!(read["ordersByPk"]["id"], id, "a write is read at once");
                    }
                });
            }
        });
        assert_eq!(version(&client), 321);
        assert_eq!(
            client.data("{ ordersAggregate { aggregate { count sum { total } } } }")["ordersAggregate"]
                ["aggregate"],
            json!({"count": 323, "sum": {"total": "380.75"}})
        );
    });
}

#[test]
fn large_mutations_are_bounded() {
    both_stores(|server| {
        let client = server.client();
        client.load("notes", "text,n\na,1\n");
        let insert = "mutation($objects: [NotesInsertInput!]!) { insertNotes(objects: $objects) { affectedRows } }";
        let objects = |n: usize| {
            (0..n).map(|n| json!({"text": format!("\"{n}\\,{{}}"), "n": n})).collect::<Value>()
        };
        let data = client.data_with(insert, &json!({"objects": objects(10_000)}));
        assert_eq!(data["insertNotes"]["affectedRows"], 10_000);
        let (code, message) = client.graphql(insert, &json!({"objects": objects(10_001)})).error();
        assert_eq!(code, "BAD_USER_INPUT", "{message}");
        assert_eq!(
            client.data("{ notes(where: {n: {_eq: 9999}}) { id text } }")["notes"],
            json!([{"id": 10_001, "text": "\"9999\\,{}"}])
        );
        let (code, _) =
            client.error("mutation { deleteNotes(where: {}, all: true) { affectedRows } }");
        assert_eq!(code, "BAD_USER_INPUT", "more rows than a mutation may remove");
        let updated = client
            .data("mutation { updateNotes(where: {id: {_gt: 1}}, _inc: {n: 1}) { affectedRows } }");
        assert_eq!(updated["updateNotes"]["affectedRows"], 10_000);
    });
}

#[test]
fn rows_keep_their_numbers_through_additions_and_copies() {
    both_stores(|server| {
        let client = server.client();
        client.load("notes", "text,n\na,1\nb,2\nc,3\n");
        client.data("mutation { deleteNotes(where: {id: {_in: [2, 3]}}) { affectedRows } }");
        client.upload_with("notes", "mode=append&wait=60", "text,n\nd,4\n");
        let all = "{ notes { id text } }";
        assert_eq!(
            client.data(all)["notes"],
            json!([{"id": 1, "text": "a"}, {"id": 4, "text": "d"}]),
            "a number is not given again"
        );
        let inserted = client.data("mutation { insertNotesOne(object: {text: \"e\"}) { id } }");
        assert_eq!(inserted["insertNotesOne"]["id"], 5);
        client.data("mutation { copyDataset(from: \"notes\", to: \"copies\", wait: 60) { job { status } } }");
        assert_eq!(
            client.data("{ copies { id text } }")["copies"],
            json!([{"id": 1, "text": "a"}, {"id": 4, "text": "d"}, {"id": 5, "text": "e"}])
        );
        // Made anew they would get other numbers.
        let (code, message) =
            client.error("mutation { alterColumn(dataset: \"notes\", column: \"n\", type: STRING) { job { id } } }");
        assert_eq!(code, "CONFLICT", "{message}");
        // The same file again puts back what it has.
        client.load("notes", "text,n\na,1\nb,2\nc,3\n");
        assert_eq!(
            client.data(all)["notes"],
            json!([{"id": 1, "text": "a"}, {"id": 2, "text": "b"}, {"id": 3, "text": "c"}])
        );
    });
}

#[test]
fn changed_rows_stay_when_a_column_gets_another_type() {
    both_stores(|server| {
        let client = server.client();
        client.load("orders", ORDERS);
        client.data("mutation { updateOrdersByPk(pkColumns: {id: 2}, _set: {customer: \"new\"}) { id } deleteOrdersByPk(id: 1) { id } }");
        client.data("mutation { alterColumn(dataset: \"orders\", column: \"total\", type: STRING, wait: 60) { job { status error { message } } } }");
        let read = "{ orders { id customer total } }";
        let expected = json!([
            {"id": 2, "customer": "new", "total": "20.00"}, {"id": 3, "customer": "cid", "total": "30.25"}
        ]);
        assert_eq!(client.data(read)["orders"], expected);
        client.data("mutation { insertOrdersOne(object: {id: 1, total: \"x\"}) { id } }");
        assert_eq!(client.data(read)["orders"][2]["total"], "x");
    });
}
