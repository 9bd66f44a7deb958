DROP TABLE main.attestation;
