// Who the jobs of a service connection in Azure DevOps are: an identity without a secret. The
// connection's page names issuer and subject of its tokens as soon as it is saved as a draft.
param identityName string
param issuer string
param subject string
param location string
param project string

resource identity 'Microsoft.ManagedIdentity/userAssignedIdentities@2023-01-31' = {
  name: identityName
  location: location
  tags: {
    project: project
  }
}

resource credential 'Microsoft.ManagedIdentity/userAssignedIdentities/federatedIdentityCredentials@2023-01-31' = if (!empty(issuer) && !empty(subject)) {
  parent: identity
  name: 'service-connection'
  properties: {
    issuer: issuer
    subject: subject
    audiences: [
      'api://AzureADTokenExchange'
    ]
  }
}

output principalId string = identity.properties.principalId
output clientId string = identity.properties.clientId
