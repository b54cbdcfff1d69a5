"""GitHub's GraphQL API: executed by graphql-core over a part of GitHub's own schema, with GitHub's costs and errors."""
