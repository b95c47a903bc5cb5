// Who the jobs of a repository on GitHub are: an identity without a secret, entered by the token
// that GitHub gives a job of one of these branches and environments, and no other.
param identityName string

@description('As the subjects of its tokens begin: owner@ID/name@ID, or owner/name.')
param repository string

@description('How the subjects of those tokens end: ref:refs/heads/BRANCH, environment:NAME.')
param subjects array
param location string
param project string

resource identity 'Microsoft.ManagedIdentity/userAssignedIdentities@2023-01-31' = {
  name: identityName
  location: location
  tags: {
    project: project
  }
}

// One after the other: Azure refuses two at once.
@batchSize(1)
resource credentials 'Microsoft.ManagedIdentity/userAssignedIdentities/federatedIdentityCredentials@2023-01-31' = [
  for subject in subjects: {
    parent: identity
    name: replace(replace(subject, '/', '-'), ':', '-')
    properties: {
      issuer: 'https://token.actions.githubusercontent.com'
      subject: 'repo:${repository}:${subject}'
      audiences: [
        'api://AzureADTokenExchange'
      ]
    }
  }
]

output principalId string = identity.properties.principalId
output clientId string = identity.properties.clientId
