"""The stack of the infomarts: `template` puts it together, `handler` is what its Lambda function runs."""
