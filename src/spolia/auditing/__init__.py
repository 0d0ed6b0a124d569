"""The whole way of an audit, from three sets to a verdict, resumable at every stage."""
