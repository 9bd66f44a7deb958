//! Accounts of all roles in a running Reeve, made as people would make them: by invitation.
#![allow(dead_code, clippy::unwrap_used, clippy::expect_used)]

use super::Running;
use reqwest::{Client, RequestBuilder, Response, StatusCode, redirect::Policy};
use serde_json::{Value, json};

pub const NEW_PASSWORD: &str = "another long password 7";

/// Somebody with an access token and a browser.
pub struct Person {
    pub id: String,
    pub email: String,
    pub token: String,
    pub refresh: String,
    pub browser: Client,
}

impl Running {
    /// The path of a link that invites somebody.
    pub async fn invite(&self, email: &str, bindings: &[&str]) -> String {
        let answer =
            self.client.post(self.url("/api/invites")).bearer_auth(&self.token).json(&json!({ "email": email, "bindings": bindings }));
        let answer = answer.send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::OK, "{}", answer.text().await.unwrap());
        answer.json::<Value>().await.unwrap()["path"].as_str().unwrap().to_owned()
    }

    pub async fn accept(&self, path: &str, name: &str, password: &str) -> Response {
        let form = [("display_name", name), ("password", password), ("repeat", password)];
        self.client.post(self.url(path)).form(&form).send().await.unwrap()
    }

    /// An account with these roles, signed in twice: by token and by browser.
    pub async fn person(&self, email: &str, bindings: &[&str]) -> Person {
        let path = self.invite(email, bindings).await;
        let answer = self.accept(&path, "Some Body", NEW_PASSWORD).await;
        assert_eq!(answer.status(), StatusCode::OK, "{}", answer.text().await.unwrap());
        self.person_with(email, NEW_PASSWORD).await
    }

    /// Signs in an account that exists.
    pub async fn person_with(&self, email: &str, password: &str) -> Person {
        let answer = self.post_json("/api/auth/login", &json!({ "email": email, "password": password })).await;
        assert_eq!(answer.status(), StatusCode::OK);
        let pair: Value = answer.json().await.unwrap();
        let text = |name: &str| pair[name].as_str().unwrap_or_default().to_owned();
        let token = text("access_token");
        let own: Value = self.as_bearer(&token, "GET", "/api/account").send().await.unwrap().json().await.unwrap();
        Person {
            id: own["account"]["id"].as_str().unwrap().to_owned(),
            email: email.to_owned(),
            token,
            refresh: text("refresh_token"),
            browser: self.browser_of(email, password).await,
        }
    }

    /// A browser that signed in by the form.
    pub async fn browser_of(&self, email: &str, password: &str) -> Client {
        let client = Client::builder().cookie_store(true).redirect(Policy::none()).build().unwrap();
        let answer = client.post(self.url("/sign-in")).form(&[("email", email), ("password", password)]).send().await.unwrap();
        assert_eq!(answer.status(), 303, "{email} can't sign in");
        client
    }

    pub fn as_bearer(&self, token: &str, method: &str, path: &str) -> RequestBuilder {
        self.client.request(method.parse().unwrap(), self.url(path)).bearer_auth(token)
    }

    /// Status and JSON of a call.
    pub async fn call(&self, token: &str, method: &str, path: &str, body: Option<Value>) -> (u16, Value) {
        let request = self.as_bearer(token, method, path);
        let answer = match body {
            Some(body) => request.json(&body),
            None => request,
        };
        let answer = answer.send().await.unwrap();
        (answer.status().as_u16(), answer.json().await.unwrap_or(Value::Null))
    }

    /// Sends a form of a page as its browser would: with the token that the page holds.
    pub async fn form(&self, browser: &Client, page: &str, action: &str, fields: &[(&str, &str)]) -> Response {
        let html = browser.get(self.url(page)).send().await.unwrap().text().await.unwrap();
        let csrf = csrf(&html).unwrap_or_else(|| panic!("{page} has no form token:\n{html}"));
        let mut all = vec![("csrf", csrf.as_str())];
        all.extend_from_slice(fields);
        browser.post(self.url(action)).header("sec-fetch-site", "same-origin").form(&all).send().await.unwrap()
    }

    /// The audit trail's newest entries, once one of them satisfies.
    pub async fn audited(&self, query: &str, what: &str, wanted: impl Fn(&Value) -> bool) -> Value {
        let holds =
            |page: &Value| page["items"].as_array().is_some_and(|items| items.iter().any(|e| !e["seq"].is_null() && wanted(&e["event"])));
        let page = self.until(&format!("/api/audit?{query}"), what, holds).await;
        page["items"].as_array().unwrap().iter().map(|e| &e["event"]).find(|e| wanted(e)).unwrap().clone()
    }
}

/// The form token in a page.
pub fn csrf(html: &str) -> Option<String> {
    let rest = html.split("name=\"csrf\"").nth(1)?;
    Some(rest.split("value=\"").nth(1)?.split('"').next()?.to_owned())
}
