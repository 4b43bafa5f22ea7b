//! JSON Web Tokens as an issuer, or somebody who is none, would write them, and a server of keys.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::sync::{Arc, Mutex};

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair, RSA_PKCS1_SHA256,
    RsaKeyPair,
};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use sha2::Sha256;

/// What signs a token.
pub(crate) enum Signer {
    Hs256(Vec<u8>),
    Rs256(Box<RsaKeyPair>),
    Es256(EcdsaKeyPair),
    EdDsa(Ed25519KeyPair),
}

fn base64(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

impl Signer {
    pub(crate) fn rsa() -> Signer {
        Signer::Rs256(Box::new(RsaKeyPair::generate(KeySize::Rsa2048).expect("a key")))
    }

    pub(crate) fn ec() -> Signer {
        let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING);
        Signer::Es256(pair.expect("a key"))
    }

    pub(crate) fn ed() -> Signer {
        Signer::EdDsa(Ed25519KeyPair::generate().expect("a key"))
    }

    pub(crate) fn algorithm(&self) -> &'static str {
        match self {
            Signer::Hs256(_) => "HS256",
            Signer::Rs256(_) => "RS256",
            Signer::Es256(_) => "ES256",
            Signer::EdDsa(_) => "EdDSA",
        }
    }

    fn sign(&self, text: &[u8]) -> Vec<u8> {
        let random = SystemRandom::new();
        match self {
            Signer::Hs256(secret) => {
                let mut hmac = Hmac::<Sha256>::new_from_slice(secret).expect("a secret");
                hmac.update(text);
                hmac.finalize().into_bytes().to_vec()
            }
            Signer::Rs256(pair) => {
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(&RSA_PKCS1_SHA256, &random, text, &mut signature).expect("a signature");
                signature
            }
            Signer::Es256(pair) => pair.sign(&random, text).expect("a signature").as_ref().to_vec(),
            Signer::EdDsa(pair) => pair.sign(text).as_ref().to_vec(),
        }
    }

    /// A token with this header, whatever it says, and these claims.
    pub(crate) fn token_with(&self, header: &Value, claims: &Value) -> String {
        let text = format!("{}.{}", base64(header.to_string()), base64(claims.to_string()));
        let signature = self.sign(text.as_bytes());
        format!("{text}.{}", base64(signature))
    }

    /// An honest token.
    pub(crate) fn token(&self, kid: &str, claims: &Value) -> String {
        self.token_with(&json!({ "alg": self.algorithm(), "kid": kid, "typ": "JWT" }), claims)
    }

    /// The public half as a key of a set.
    pub(crate) fn jwk(&self, kid: &str) -> Value {
        match self {
            Signer::Hs256(secret) => json!({ "kty": "oct", "kid": kid, "k": base64(secret) }),
            Signer::Rs256(pair) => {
                let key = pair.public_key();
                json!({
                    "kty": "RSA", "kid": kid, "use": "sig", "alg": "RS256",
                    "n": base64(key.modulus().big_endian_without_leading_zero()),
                    "e": base64(key.exponent().big_endian_without_leading_zero()),
                })
            }
            Signer::Es256(pair) => {
                // A byte that says "uncompressed", then both coordinates.
                let point = pair.public_key().as_ref();
                let (x, y) = (base64(&point[1..33]), base64(&point[33..65]));
                json!({ "kty": "EC", "crv": "P-256", "kid": kid, "x": x, "y": y })
            }
            Signer::EdDsa(pair) => {
                let x = base64(pair.public_key().as_ref());
                json!({ "kty": "OKP", "crv": "Ed25519", "kid": kid, "x": x })
            }
        }
    }

    /// The bytes of the public half: somebody may take them for a secret.
    pub(crate) fn public_bytes(&self) -> Vec<u8> {
        match self {
            Signer::Hs256(secret) => secret.clone(),
            Signer::Rs256(pair) => pair.public_key().as_ref().to_vec(),
            Signer::Es256(pair) => pair.public_key().as_ref().to_vec(),
            Signer::EdDsa(pair) => pair.public_key().as_ref().to_vec(),
        }
    }
}

/// The text of a set of keys.
pub(crate) fn key_set(keys: &[Value]) -> String {
    json!({ "keys": keys }).to_string()
}

/// A server that answers every request with the same text, until it is changed.
pub(crate) struct KeyServer {
    pub(crate) url: String,
    body: Arc<Mutex<Option<String>>>,
    n_asked: Arc<Mutex<usize>>,
}

impl KeyServer {
    pub(crate) fn start(body: Option<String>) -> KeyServer {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let url = format!("http://{}/keys.json", listener.local_addr().expect("an address"));
        let body = Arc::new(Mutex::new(body));
        let n_asked = Arc::new(Mutex::new(0));
        let (served, counted) = (Arc::clone(&body), Arc::clone(&n_asked));
        std::thread::spawn(move || {
            for mut stream in listener.incoming().map_while(Result::ok) {
                let mut request = [0; 4096];
                let _ = stream.read(&mut request);
                *counted.lock().expect("a count") += 1;
                let answer = match served.lock().expect("a body").as_ref() {
                    Some(body) => format!(
                        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
                        body.len()
                    ),
                    None => "HTTP/1.1 503 Away\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
                        .to_owned(),
                };
                let _ = stream.write_all(answer.as_bytes());
            }
        });
        KeyServer { url, body, n_asked }
    }

    /// What it answers from now on; nothing: 503.
    pub(crate) fn set(&self, body: Option<String>) {
        *self.body.lock().expect("a body") = body;
    }

    /// How often it was asked.
    pub(crate) fn n_asked(&self) -> usize {
        *self.n_asked.lock().expect("a count")
    }
}
